#pragma once
// Grid: rows and columns of tokens, and the checks of what an engine is given.

#include <cstdint>
#include <span>

#include "hipt/base/rgb_view.h"
#include "hipt/vit/config.h"
#include "hipt/vit/engine.h"

namespace hipt::vit {

struct Grid {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t size() const { return rows * cols; }
  auto operator<=>(const Grid&) const = default;
};

// Tokens of the whole sequence: class token, register tokens, grid.
std::int64_t token_count(const ViTConfig& config, Grid grid);

// Grid of a picture. Throws InvalidArgument when the model takes features, or a side is not a multiple of token_px.
Grid picture_grid(const ViTConfig& config, RgbView picture);

// Throws InvalidArgument unless the model takes features and there are rows * cols * input_dim of them.
Grid feature_grid(const ViTConfig& config, std::span<const float> features, std::int64_t rows, std::int64_t cols);

// Throws InvalidArgument when more blocks are asked than the model has.
void require_valid(const ViTConfig& config, const Request& request);

// Throws InvalidArgument unless `out` holds `expected` numbers.
void require_output_size(std::span<const float> out, std::int64_t expected);

}  // namespace hipt::vit
