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

kernels::Linear scaled_product(std::span<const float> weight, std::span<const float> gain, std::int64_t in,
                               std::int64_t out) {
  std::vector<float> scaled(weight.begin(), weight.end());
  const auto columns = static_cast<std::size_t>(in);
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= gain[i / columns];
  return kernels::Linear(scaled, in, out);
}

}  // namespace

LayerNormParameters::LayerNormParameters(const Weights& weights, const std::string& name)
    : gain(copy_of(weights.at(name + ".weight"))), bias(copy_of(weights.at(name + ".bias"))) {}

LinearParameters::LinearParameters(const Weights& weights, const std::string& name, std::int64_t in, std::int64_t first,
                                   std::int64_t out, bool has_bias, const std::string& scale)
    : product([&] {
        const std::span<const float> weight =
            weights.at(name + ".weight")
                .as<float>()
                .subspan(static_cast<std::size_t>(first * in), static_cast<std::size_t>(out * in));
        if (scale.empty()) return kernels::Linear(weight, in, out);
        return scaled_product(weight, weights.at(scale).as<float>(), in, out);
      }()) {
  if (!has_bias) return;
  const std::span<const float> given =
      weights.at(name + ".bias").as<float>().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(out));
  bias.assign(given.begin(), given.end());
  if (scale.empty()) return;
  const std::span<const float> gain = weights.at(scale).as<float>();
  for (std::size_t o = 0; o < bias.size(); ++o) bias[o] *= gain[o];
}

LinearParameters pixel_embedding(const Weights& weights) {
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
  const auto in = static_cast<std::int64_t>(3 * pixels);
  return {kernels::Linear(weight, in, config.dim), std::move(bias)};
}

BlockParameters::BlockParameters(const Weights& weights, std::int64_t index)
    : norm1(weights, block_name(index, "norm1")),
      qkv(weights, block_name(index, "attn.qkv"), weights.config.dim, 0, 3 * weights.config.dim,
          weights.config.qkv_bias),
      proj(weights, block_name(index, "attn.proj"), weights.config.dim, 0, weights.config.dim, true,
           scale_name(weights.config, index, "ls1.gamma")),
      norm2(weights, block_name(index, "norm2")),
      fc1(weights, block_name(index, "mlp.fc1"), weights.config.dim, 0, weights.config.mlp_dim),
      fc2(weights, block_name(index, "mlp.fc2"), weights.config.mlp_dim, 0, weights.config.dim, true,
          scale_name(weights.config, index, "ls2.gamma")) {}

LastBlockParameters::LastBlockParameters(const Weights& weights)
    : q(weights, block_name(weights.config.depth - 1, "attn.qkv"), weights.config.dim, 0, weights.config.dim,
        weights.config.qkv_bias),
      kv(weights, block_name(weights.config.depth - 1, "attn.qkv"), weights.config.dim, weights.config.dim,
         2 * weights.config.dim, weights.config.qkv_bias) {}

}  // namespace hipt::vit
