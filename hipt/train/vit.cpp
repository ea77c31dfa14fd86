#include <cmath>

#include <fmt/format.h>

#include "hipt/train/vit_torch.h"

namespace hipt::train {
namespace {

// As vit::positions_for_grid: the published code passes (wanted + 0.1) / trained as the factor of the resize.
constexpr double kScaleAddition = 0.1;
constexpr double kTokenDeviation = 0.02;

}  // namespace

VisionTransformer::VisionTransformer(ParameterSet& set, const std::string& prefix, const vit::ViTConfig& config)
    : config_(config) {
  const std::int64_t dim = config.dim;
  class_token_ = set.add(prefix + "cls_token", truncated_normal(set.generator(), {1, 1, dim}, kTokenDeviation));
  if (config.register_tokens > 0) {
    register_tokens_ = set.add(prefix + "register_tokens",
                               truncated_normal(set.generator(), {1, config.register_tokens, dim}, kTokenDeviation));
  }
  const std::int64_t trained = 1 + config.trained_grid * config.trained_grid;
  positions_ = set.add(prefix + "pos_embed", truncated_normal(set.generator(), {1, trained, dim}, kTokenDeviation));
  if (config.source == vit::TokenSource::Features) {
    phi_.emplace(set, prefix + "phi.0", config.input_dim, dim, Initial::TruncatedNormal);
  } else {
    // torch.nn.Conv2d's own start.
    const std::int64_t fan_in = config.input_dim * config.token_px * config.token_px;
    const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    patch_weight_ = set.add(
        prefix + "patch_embed.proj.weight",
        at::empty({dim, config.input_dim, config.token_px, config.token_px}).uniform_(-bound, bound, set.generator()));
    patch_bias_ = set.add(prefix + "patch_embed.proj.bias", at::empty({dim}).uniform_(-bound, bound, set.generator()));
  }
  for (std::int64_t index = 0; index < config.depth; ++index) {
    blocks_.push_back(make_block(set, fmt::format("{}blocks.{}.", prefix, index)));
  }
  norm_.emplace(set, prefix + "norm", dim, config.layer_norm_epsilon);
}

VisionTransformer::Block VisionTransformer::make_block(ParameterSet& set, const std::string& name) const {
  const std::int64_t dim = config_.dim;
  const auto scale = [&](const std::string& gains) -> std::optional<at::Tensor> {
    if (!config_.layer_scale) return std::nullopt;
    return set.add(name + gains + ".gamma", at::full({dim}, 1e-5));
  };
  // Braces run from left to right: the order of the state dict.
  return {
      .norm1 = LayerNorm(set, name + "norm1", dim, config_.layer_norm_epsilon),
      .qkv = Linear(set, name + "attn.qkv", dim, 3 * dim, Initial::TruncatedNormal, config_.qkv_bias),
      .proj = Linear(set, name + "attn.proj", dim, dim, Initial::TruncatedNormal),
      .scale1 = scale("ls1"),
      .norm2 = LayerNorm(set, name + "norm2", dim, config_.layer_norm_epsilon),
      .fc1 = Linear(set, name + "mlp.fc1", dim, config_.mlp_dim, Initial::TruncatedNormal),
      .fc2 = Linear(set, name + "mlp.fc2", config_.mlp_dim, dim, Initial::TruncatedNormal),
      .scale2 = scale("ls2"),
  };
}

at::Tensor VisionTransformer::positions(std::int64_t rows, std::int64_t cols) const {
  const std::int64_t trained = config_.trained_grid;
  if (rows == trained && cols == trained) return positions_;
  const auto scale = [trained](std::int64_t wanted) {
    return (static_cast<double>(wanted) + kScaleAddition) / static_cast<double>(trained);
  };
  const at::Tensor grid =
      positions_.slice(1, 1).reshape({1, trained, trained, config_.dim}).permute({0, 3, 1, 2});  // [1, dim, y, x]
  const at::Tensor resized =
      at::upsample_bicubic2d(grid, at::IntArrayRef({rows, cols}), /*align_corners=*/false, scale(rows), scale(cols));
  return at::cat({positions_.slice(1, 0, 1), resized.permute({0, 2, 3, 1}).reshape({1, rows * cols, config_.dim})}, 1);
}

at::Tensor VisionTransformer::attend(const Block& block, const at::Tensor& x) const {
  const std::int64_t batch = x.size(0), tokens = x.size(1);
  // [3, batch, heads, tokens, head_dim]
  const at::Tensor qkv =
      block.qkv(x).reshape({batch, tokens, 3, config_.heads, config_.head_dim()}).permute({2, 0, 3, 1, 4});
  const at::Tensor mixed = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return block.proj(mixed.transpose(1, 2).reshape({batch, tokens, config_.dim}));
}

at::Tensor VisionTransformer::encode(const at::Tensor& embedded, std::int64_t rows, std::int64_t cols) const {
  const std::int64_t batch = embedded.size(0);
  const auto for_each = [batch](const at::Tensor& tokens) { return tokens.expand({batch, -1, -1}); };
  at::Tensor x = at::cat({for_each(class_token_), embedded}, 1) + positions(rows, cols);
  if (register_tokens_.defined()) {  // between them, without positions
    x = at::cat({x.slice(1, 0, 1), for_each(register_tokens_), x.slice(1, 1)}, 1);
  }
  const auto scaled = [](const at::Tensor& y, const std::optional<at::Tensor>& gains) {
    return gains ? y * *gains : y;
  };
  for (const Block& block : blocks_) {
    x = x + scaled(attend(block, block.norm1(x)), block.scale1);
    x = x + scaled(block.fc2(at::gelu(block.fc1(block.norm2(x)))), block.scale2);
  }
  return (*norm_)(x.select(1, 0));
}

at::Tensor VisionTransformer::encode_grids(const at::Tensor& features, std::int64_t rows, std::int64_t cols) const {
  return encode(at::gelu((*phi_)(features)), rows, cols);
}

at::Tensor VisionTransformer::encode_pictures(const at::Tensor& pictures) const {
  const at::Tensor embedded = at::conv2d(pictures, patch_weight_, patch_bias_, config_.token_px);  // [batch, dim, y, x]
  return encode(embedded.flatten(2).transpose(1, 2), embedded.size(2), embedded.size(3));
}

}  // namespace hipt::train
