#pragma once
// The parameters of a ViT in the shape that the cpu engine's kernels take them: what is constant is folded together,
// and products are laid out for the machine.

#include <cstdint>
#include <string>
#include <vector>

#include "hipt/kernels/matmul.h"
#include "hipt/vit/weights.h"

namespace hipt::vit {

struct LayerNormParameters {
  std::vector<float> gain;  // [dim]
  std::vector<float> bias;  // [dim]

  LayerNormParameters(const Weights& weights, const std::string& name);
};

// A linear layer: the product and the bias apart, because the kernels that read the product add the bias.
struct LinearParameters {
  kernels::Linear product;
  std::vector<float> bias;  // [out]; empty for none

  // Rows [first, first + out) of the layer `name`, which takes `in` numbers. `scale_name` names the layer-scale gains
  // that multiply its output, if any: they are folded into weight and bias.
  LinearParameters(const Weights& weights, const std::string& name, std::int64_t in, std::int64_t first,
                   std::int64_t out, bool has_bias = true, const std::string& scale_name = {});
  LinearParameters(kernels::Linear made, std::vector<float> its_bias)
      : product(std::move(made)), bias(std::move(its_bias)) {}
};

// patch_embed as a linear layer over [y, x, channel] of byte - kernels::kPixelCenter: the normalisation
// (byte / 255 - mean) / std is folded into weight and bias.
LinearParameters pixel_embedding(const Weights& weights);

struct BlockParameters {
  LayerNormParameters norm1;
  LinearParameters qkv;
  LinearParameters proj;
  LayerNormParameters norm2;
  LinearParameters fc1;
  LinearParameters fc2;

  BlockParameters(const Weights& weights, std::int64_t index);
};

// The last block's qkv in two parts: encode() needs the query of the class token alone.
struct LastBlockParameters {
  LinearParameters q;
  LinearParameters kv;

  explicit LastBlockParameters(const Weights& weights);
};

}  // namespace hipt::vit
