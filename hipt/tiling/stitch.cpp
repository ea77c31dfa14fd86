#include <algorithm>
#include <cmath>
#include <optional>

#include "hipt/slide/whole_level.h"
#include "hipt/tiling/tiling.h"

namespace hipt::tiling {
namespace {

// Copies `patch`, which fits, into the canvas with its corner at (x, y).
void paste(RgbView patch, std::int64_t x, std::int64_t y, image::RgbImage& canvas) {
  for (int row = 0; row < patch.height; ++row) {
    std::copy_n(patch.row(row), 3 * static_cast<std::ptrdiff_t>(patch.width),
                canvas.row(static_cast<int>(y) + row) + 3 * x);
  }
}

}  // namespace

image::RgbImage draw_stitch(const slide::Slide& slide, const Coordinates& coordinates) {
  const slide::WholeLevel level = slide::whole_level(slide, slide.best_level_for_downsample(64));
  // Sizes by the reader's scalar downsamples, as published: these, not the truncated ones of the grid.
  const double patch_downsample = slide.levels().at(static_cast<std::size_t>(coordinates.pixels.level)).downsample;
  const auto covered = static_cast<std::int64_t>(static_cast<double>(coordinates.pixels.read_size) * patch_downsample);
  const auto on_level = [&](std::int64_t level0) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(level0) / level.downsample));
  };
  const std::int64_t side = on_level(covered);
  // A patch that reaches over the slide's end needs no more than the canvas shows of it.
  const auto visible = [&](std::int64_t corner, std::int64_t end) {
    return std::clamp<std::int64_t>(end - corner, 0, side);
  };
  // The segmentation has made a virtual level's picture already, and the slide keeps it.
  std::optional<image::RgbImage> whole;
  if (level.reduction > 1) whole = slide::read_whole_level(slide, level);

  image::RgbImage canvas(static_cast<int>(level.size.width), static_cast<int>(level.size.height));
  for (const Level0Point point : coordinates.points) {
    const std::int64_t x = on_level(point.x);
    const std::int64_t y = on_level(point.y);
    const Size size{visible(x, level.size.width), visible(y, level.size.height)};
    if (x < 0 || y < 0 || size.width == 0 || size.height == 0) continue;
    if (whole) {
      paste(whole->view().crop(static_cast<int>(x), static_cast<int>(y), static_cast<int>(size.width),
                               static_cast<int>(size.height)),
            x, y, canvas);
    } else {
      paste(slide.read_region(point, level.level, size).view(), x, y, canvas);
    }
  }
  return canvas;
}

}  // namespace hipt::tiling
