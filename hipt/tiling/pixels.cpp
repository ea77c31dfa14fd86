#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/image/resample.h"
#include "hipt/tiling/tiling.h"

namespace hipt::tiling {
namespace {

constexpr double kDownsampleTolerance = 0.1;  // TRIDENT's

std::string level_magnifications(const slide::Slide& slide, double magnification) {
  std::vector<std::string> texts;
  for (const slide::Level& level : slide.levels())
    texts.push_back(fmt::format("{:.4g}x", magnification / level.downsample));
  return fmt::format("{}", fmt::join(texts, ", "));
}

int level_of_magnification(const slide::Slide& slide, double mag) {
  const std::optional<double> magnification = slide_magnification(slide);
  if (!magnification) {
    throw Error(
        ErrorCode::Unsupported,
        fmt::format("{}: neither objective nor microns per pixel tell its magnification, so that --mag {} means "
                    "nothing; give --patch_level 0 to take level 0 as it is",
                    slide.path().string(), mag));
  }
  const double wanted = *magnification / mag;
  for (std::size_t level = 0; level < slide.levels().size(); ++level) {
    if (std::abs(slide.levels()[level].downsample - wanted) <= kDownsampleTolerance) return static_cast<int>(level);
  }
  throw Error(ErrorCode::Unsupported,
              fmt::format("{}: no level has {}x (its levels: {}); give one of these as --mag, or choose a level by "
                          "--patch_level",
                          slide.path().string(), mag, level_magnifications(slide, *magnification)));
}

}  // namespace

image::RgbImage read_patch(const slide::Slide& slide, const PixelRule& pixels, Level0Point origin) {
  image::RgbImage patch = slide.read_region(origin, pixels.level, {pixels.read_size, pixels.read_size});
  if (pixels.patch_size == pixels.read_size) return patch;
  const int side = static_cast<int>(pixels.patch_size);
  return image::resample(patch.view(), side, side, image::Filter::Bicubic);
}

std::optional<double> slide_magnification(const slide::Slide& slide) {
  if (slide.objective_power()) return slide.objective_power();
  if (!slide.mpp()) return std::nullopt;
  struct Bucket {
    double below_mpp;
    double magnification;
  };
  static constexpr Bucket kBuckets[] = {{0.16, 80}, {0.2, 60}, {0.3, 40}, {0.6, 20}, {1.2, 10}, {2.4, 5}};
  for (const Bucket& bucket : kBuckets) {
    if (slide.mpp()->value < bucket.below_mpp) return bucket.magnification;
  }
  return std::nullopt;
}

PixelRule resolve_pixels(const slide::Slide& slide, const TileOptions& options) {
  check_ranges(options);
  PixelRule pixels{0, options.patch_size, options.patch_size};
  if (options.patch_level >= 0) {
    pixels.level = tissue::resolve_level(slide, options.patch_level, "patch_level");
  } else if (options.mag) {
    pixels.level = level_of_magnification(slide, *options.mag);
  } else {
    throw Error(ErrorCode::InvalidArgument, "which pixels are meant: give --mag or --patch_level");
  }
  return pixels;
}

}  // namespace hipt::tiling
