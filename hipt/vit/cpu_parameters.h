#pragma once
// The parameters of a ViT in the shape that the cpu engine's blocks make their products from: what is constant is
// folded together.

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "hipt/kernels/matmul.h"
#include "hipt/vit/weights.h"

namespace hipt::vit {

struct LayerNormParameters {
  std::vector<float> gain;  // [dim]
  std::vector<float> bias;  // [dim]

  LayerNormParameters(const Weights& weights, const std::string& name);
};

// A linear layer. The bias is apart from the product because the kernels that read the product add it.
struct LinearWeights {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::span<const float> published;  // [out, in], in the memory of Weights
  std::vector<float> changed;        // instead, where something was folded in
  std::vector<float> bias;           // [out]; empty for none

  std::span<const float> weight() const { return changed.empty() ? published : std::span<const float>(changed); }
  // The layer that gives outputs [first, first + count) alone.
  LinearWeights rows(std::int64_t first, std::int64_t count) const;
};

// The layer `name`. `scale_name` names the layer-scale gains that multiply its output, if any: they are folded in.
LinearWeights linear_weights(const Weights& weights, const std::string& name, bool has_bias = true,
                             const std::string& scale_name = {});

// patch_embed as a linear layer over [y, x, channel] of byte - kernels::kPixelCenter: the normalisation
// (byte / 255 - mean) / std is folded into weight and bias.
LinearWeights pixel_embedding(const Weights& weights);

struct BlockWeights {
  LayerNormParameters norm1;
  LinearWeights qkv;
  LinearWeights proj;
  LayerNormParameters norm2;
  LinearWeights fc1;
  LinearWeights fc2;

  BlockWeights(const Weights& weights, std::int64_t index);
};

// A linear layer over inputs of `Number`, float or BFloat16, laid out for this machine.
template <class Number>
struct FloatLinear {
  std::conditional_t<std::is_same_v<Number, kernels::BFloat16>, kernels::Bfloat16Linear, kernels::Linear> product;
  std::vector<float> bias;  // [out]; empty for none

  explicit FloatLinear(const LinearWeights& layer) : product(layer.weight(), layer.in, layer.out), bias(layer.bias) {}
};

}  // namespace hipt::vit
