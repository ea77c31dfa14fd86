#pragma once
// A vision transformer as a value: sizes, normalisation and options, so that another encoder needs no new code.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::vit {

// What the tokens are made of.
enum class TokenSource {
  Pixels,    // patch_embed.proj: convolution of token_px x token_px pixels
  Features,  // phi: Linear + GELU over the features of a grid (ViT-4096)
};

struct ViTConfig {
  std::string name;  // "vit_small", "vit4k_xs", ...
  TokenSource source = TokenSource::Pixels;
  std::int64_t token_px = 16;  // Pixels: side of a token
  std::int64_t input_dim = 3;  // Pixels: channels (3); Features: width of the grid's features (384)
  std::int64_t dim = 384;
  std::int64_t depth = 12;
  std::int64_t heads = 6;
  std::int64_t mlp_dim = 1536;
  std::int64_t trained_grid = 14;  // side of the grid that pos_embed was trained for
  bool qkv_bias = true;
  double layer_norm_epsilon = 1e-6;
  std::int64_t register_tokens = 0;             // extra tokens after the class token (none in HIPT)
  bool layer_scale = false;                     // blocks.<i>.ls1.gamma, ls2.gamma (none in HIPT)
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f};  // of RGB in 0..1 (trap T5: 0.5, not ImageNet's)
  std::array<float, 3> std{0.5f, 0.5f, 0.5f};

  std::int64_t head_dim() const { return dim / heads; }
};

// vit_tiny, vit_small (ViT-256), vit_base, vit4k_xs (ViT-4096). Throws NotFound listing the names.
ViTConfig named_config(std::string_view name);
std::vector<std::string_view> config_names();
// A JSON object with the fields above (missing ones keep their default). Throws InvalidArgument naming the field.
ViTConfig config_from_json(std::string_view json);

// Names and shapes of the state dict, in the order of the published models.
std::vector<std::pair<std::string, Shape>> parameter_shapes(const ViTConfig& config);

}  // namespace hipt::vit
