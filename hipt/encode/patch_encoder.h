#pragma once
// PatchEncoder: bytes in, features out. Every encoder of patches (ViT-256, ResNet-50) stands behind this; mean, std and
// memory layout are its own business.

#include <cstddef>
#include <span>
#include <string>

#include "hipt/base/options.h"
#include "hipt/base/rgb_view.h"

namespace hipt::encode {

class PatchEncoder {
 public:
  virtual ~PatchEncoder() = default;

  virtual std::string name() const = 0;             // "vit_small", as feature files call their encoder
  virtual std::size_t dim() const = 0;              // features a patch (384 for ViT-256)
  virtual std::size_t preferred_batch() const = 0;  // patches a call that use the hardware best
  virtual std::size_t max_concurrency() const = 0;  // calls at once that are useful (CPU: the threads of the pool)

  // out: [patches.size(), dim], row-major. All patches have one size. Safe from max_concurrency threads at once.
  // A patch's features do not depend on the other patches of the call.
  virtual void encode(std::span<const RgbView> patches, std::span<float> out) const = 0;

  // What belongs into the fingerprint of features: model, weights' SHA-256, precision, normalisation.
  virtual OptionTexts identity() const = 0;
};

}  // namespace hipt::encode
