#pragma once
// Engine: the truncated ResNet-50 ready to run. Two stand behind it: `reference` (plain loops, to read beside the
// paper) and `cpu` (kernels::Convolution with batch norms folded in).

#include <memory>
#include <span>

#include "hipt/base/rgb_view.h"
#include "hipt/resnet/architecture.h"
#include "hipt/resnet/weights.h"

namespace hipt::resnet {

// Immutable and safe from many threads; a call runs on the calling thread alone. The caller spreads calls over a pool.
class Engine {
 public:
  virtual ~Engine() = default;

  // Features of pictures of any size (CLAM's are 224 or 256 px): out [pictures, kDim]. A picture's result does not
  // depend on the others. Throws InvalidArgument for an empty picture, Internal when `out` has another size.
  virtual void encode(std::span<const RgbView> pictures, std::span<float> out) const = 0;
};

std::unique_ptr<Engine> make_reference_engine(std::shared_ptr<const Weights> weights);
std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights);

// Throws as Engine::encode says. What the engines share.
void require_valid(std::span<const RgbView> pictures, std::span<float> out);

}  // namespace hipt::resnet
