#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/tiling/tiling.h"

namespace hipt::tiling {
namespace {

constexpr std::int64_t kMostPixels = 933'120'000;  // CLAM's limit

// Copies the part of `patch` that lies on `canvas`, its corner at (x, y).
void paste(const image::RgbImage& patch, std::int64_t x, std::int64_t y, image::RgbImage& canvas) {
  const std::int64_t width = std::min<std::int64_t>(patch.width(), canvas.width() - x);
  const std::int64_t height = std::min<std::int64_t>(patch.height(), canvas.height() - y);
  if (width <= 0) return;
  const RgbView source = patch.view();
  for (std::int64_t row = 0; row < height; ++row) {
    std::copy_n(source.row(static_cast<int>(row)), 3 * width, canvas.row(static_cast<int>(y + row)) + 3 * x);
  }
}

}  // namespace

image::RgbImage draw_stitch(const slide::Slide& slide, const Coordinates& coordinates) {
  const int level = slide.best_level_for_downsample(64);
  const slide::Level& facts = slide.levels()[static_cast<std::size_t>(level)];
  if (facts.size.width * facts.size.height > kMostPixels) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: level {} has {} x {} pixels, too many for a stitch",
                                                    slide.path().string(), level, facts.size.width, facts.size.height));
  }
  // Sizes by the reader's scalar downsamples, as published: these, not the truncated ones of the grid.
  const double patch_downsample = slide.levels().at(static_cast<std::size_t>(coordinates.pixels.level)).downsample;
  const auto covered = static_cast<std::int64_t>(static_cast<double>(coordinates.pixels.read_size) * patch_downsample);
  const auto on_level = [&](std::int64_t level0) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(level0) / facts.downsample));
  };
  const std::int64_t side = on_level(covered);
  // A patch that reaches over the slide's end needs no more than the canvas shows of it.
  const auto visible = [&](std::int64_t corner, std::int64_t end) {
    return std::clamp<std::int64_t>(end - corner, 0, side);
  };

  image::RgbImage canvas(static_cast<int>(facts.size.width), static_cast<int>(facts.size.height));
  for (const Level0Point point : coordinates.points) {
    const std::int64_t x = on_level(point.x);
    const std::int64_t y = on_level(point.y);
    const Size size{visible(x, facts.size.width), visible(y, facts.size.height)};
    if (x < 0 || y < 0 || size.width == 0 || size.height == 0) continue;
    paste(slide.read_region(point, level, size), x, y, canvas);
  }
  return canvas;
}

}  // namespace hipt::tiling
