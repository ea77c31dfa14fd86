#include "hipt/vit/cpu_parameters.h"

#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "hipt/kernels/pixels.h"

namespace hipt::vit {
namespace {

std::vector<float> copy_of(const Array& array) {
  const std::span<const float> values = array.as<float>();
  return {values.begin(), values.end()};
}

std::string block_name(std::int64_t index, const char* part) {
  return fmt::format("blocks.{}.{}", index, part);
}

std::string scale_name(const ViTConfig& config, std::int64_t index, const char* part) {
  return config.layer_scale ? block_name(index, part) : std::string();
}

}  // namespace

LayerNormParameters::LayerNormParameters(const Weights& weights, const std::string& name)
    : gain(copy_of(weights.at(name + ".weight"))), bias(copy_of(weights.at(name + ".bias"))) {}

LinearWeights LinearWeights::rows(std::int64_t first, std::int64_t count) const {
  const auto from = static_cast<std::size_t>(first), outputs = static_cast<std::size_t>(count);
  const auto columns = static_cast<std::size_t>(in);
  LinearWeights part;
  part.in = in;
  part.out = count;
  part.published = weight().subspan(from * columns, outputs * columns);
  if (!bias.empty()) part.bias.assign(bias.begin() + first, bias.begin() + first + count);
  if (!changed.empty()) part.changed.assign(part.published.begin(), part.published.end());
  return part;
}

LinearWeights linear_weights(const Weights& weights, const std::string& name, bool has_bias,
                             const std::string& scale_name) {
  const Array& weight = weights.at(name + ".weight");
  LinearWeights layer;
  layer.in = weight.dim(1);
  layer.out = weight.dim(0);
  layer.published = weight.as<float>();
  if (has_bias) layer.bias = copy_of(weights.at(name + ".bias"));
  if (scale_name.empty()) return layer;
  const std::span<const float> gain = weights.at(scale_name).as<float>();
  layer.changed = copy_of(weight);
  const auto columns = static_cast<std::size_t>(layer.in);
  for (std::size_t i = 0; i < layer.changed.size(); ++i) layer.changed[i] *= gain[i / columns];
  for (std::size_t o = 0; o < layer.bias.size(); ++o) layer.bias[o] *= gain[o];
  return layer;
}

LinearWeights pixel_embedding(const Weights& weights) {
  const ViTConfig& config = weights.config;
  const auto dim = static_cast<std::size_t>(config.dim);
  const auto pixels = static_cast<std::size_t>(config.token_px * config.token_px);
  const std::span<const float> published = weights.at("patch_embed.proj.weight").as<float>();  // [dim, channel, y, x]
  std::vector<float> weight(published.size());                                                 // [dim, y, x, channel]
  std::vector<float> bias = copy_of(weights.at("patch_embed.proj.bias"));
  for (std::size_t o = 0; o < dim; ++o) {
    double shifted_bias = bias[o];
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const double std = config.std[channel];
      const double shift = (double{kernels::kPixelCenter} / 255.0 - double{config.mean[channel]}) / std;
      for (std::size_t p = 0; p < pixels; ++p) {
        const double value = published[(o * 3 + channel) * pixels + p];
        weight[(o * pixels + p) * 3 + channel] = static_cast<float>(value / (255.0 * std));
        shifted_bias += value * shift;
      }
    }
    bias[o] = static_cast<float>(shifted_bias);
  }
  return {.in = static_cast<std::int64_t>(3 * pixels),
          .out = config.dim,
          .published = {},
          .changed = std::move(weight),
          .bias = std::move(bias)};
}

BlockWeights::BlockWeights(const Weights& weights, std::int64_t index)
    : norm1(weights, block_name(index, "norm1")),
      qkv(linear_weights(weights, block_name(index, "attn.qkv"), weights.config.qkv_bias)),
      proj(linear_weights(weights, block_name(index, "attn.proj"), true,
                          scale_name(weights.config, index, "ls1.gamma"))),
      norm2(weights, block_name(index, "norm2")),
      fc1(linear_weights(weights, block_name(index, "mlp.fc1"))),
      fc2(linear_weights(weights, block_name(index, "mlp.fc2"), true, scale_name(weights.config, index, "ls2.gamma"))) {
}

}  // namespace hipt::vit
