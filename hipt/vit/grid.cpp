#include "hipt/vit/grid.h"

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::vit {

std::int64_t token_count(const ViTConfig& config, Grid grid) {
  return 1 + config.register_tokens + grid.size();
}

Grid picture_grid(const ViTConfig& config, RgbView picture) {
  if (config.source != TokenSource::Pixels) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{} takes a grid of features, not a picture", config.name));
  }
  const std::int64_t px = config.token_px;
  if (picture.width <= 0 || picture.height <= 0 || picture.width % px != 0 || picture.height % px != 0) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("a picture of {} x {} px: {} takes sides that are multiples of {} px", picture.width,
                            picture.height, config.name, px));
  }
  return {picture.height / px, picture.width / px};
}

Grid feature_grid(const ViTConfig& config, std::span<const float> features, std::int64_t rows, std::int64_t cols) {
  if (config.source != TokenSource::Features) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{} takes pictures, not a grid of features", config.name));
  }
  if (rows <= 0 || cols <= 0 ||
      static_cast<std::int64_t>(features.size()) != element_count({rows, cols, config.input_dim})) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{} numbers for a grid of {} x {}: {} takes rows * columns * {} of them", features.size(),
                            rows, cols, config.name, config.input_dim));
  }
  return {rows, cols};
}

void require_valid(const ViTConfig& config, const Request& request) {
  if (request.last_blocks < 0 || request.last_blocks > config.depth) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("the last {} blocks: {} has {}", request.last_blocks, config.name, config.depth));
  }
}

void require_output_size(std::span<const float> out, std::int64_t expected) {
  if (static_cast<std::int64_t>(out.size()) != expected) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("room for {} numbers, but there are {} to write", out.size(), expected));
  }
}

}  // namespace hipt::vit
