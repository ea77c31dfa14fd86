#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/image/resample.h"
#include "hipt/tiling/grid.h"

namespace hipt::tiling {
namespace {

constexpr double kDownsampleTolerance = 0.1;  // TRIDENT's

constexpr std::string_view kRemedies =
    "give a CSV with columns slide and mpp as SOURCE, or take a level as it is by --patch_level 0, or write the "
    "resolution into the file (TIFF: XResolution and ResolutionUnit)";

// The level that is read for a spacing of `wanted` px of level 0 when none has it: the next finer one, reduced; level 0
// enlarged when none is finer.
Scale resampled(const slide::Slide& slide, double wanted) {
  Scale scale;
  for (std::size_t level = 0; level < slide.levels().size(); ++level) {
    if (slide.levels()[level].downsample <= wanted) scale.level = static_cast<int>(level);
  }
  const slide::Level& level = slide.levels()[static_cast<std::size_t>(scale.level)];
  scale.reduction = wanted / level.downsample;
  scale.covers = {scale.reduction * level.downsample_xy.x, scale.reduction * level.downsample_xy.y};
  return scale;
}

Scale scale_by_level(const slide::Slide& slide, std::int64_t patch_level) {
  const int level = tissue::resolve_level(slide, patch_level, "patch_level");
  const Downsample downsample = slide.levels()[static_cast<std::size_t>(level)].downsample_xy;
  return {level, 1, {std::max(1.0, std::trunc(downsample.x)), std::max(1.0, std::trunc(downsample.y))}};
}

Scale scale_by_mag(const slide::Slide& slide, double mag) {
  const std::optional<double> magnification = slide_magnification(slide);
  if (!magnification) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{}: neither objective nor microns per pixel tell its magnification, which --mag {} needs; "
                            "{}",
                            slide.path().string(), mag, kRemedies));
  }
  const double wanted = *magnification / mag;
  for (std::size_t level = 0; level < slide.levels().size(); ++level) {
    if (std::abs(slide.levels()[level].downsample - wanted) <= kDownsampleTolerance)
      return {static_cast<int>(level), 1, {wanted, wanted}};
  }
  Scale scale = resampled(slide, wanted);
  scale.covers = {wanted, wanted};
  return scale;
}

Scale scale_by_mpp(const slide::Slide& slide, double mpp, double tolerance) {
  if (!slide.mpp()) {
    const std::string objective =
        slide.objective_power() ? fmt::format(" (an objective of {}x is no measure)", *slide.objective_power()) : "";
    throw Error(ErrorCode::Unsupported,
                fmt::format("{}: the file does not tell its microns per pixel{}, which --mpp {} needs; {}",
                            slide.path().string(), objective, mpp, kRemedies));
  }
  const auto distance = [&](const slide::Level& level) {
    return std::abs(slide.mpp()->value * level.downsample / mpp - 1);
  };
  const auto nearest = std::ranges::min_element(slide.levels(), {}, distance);
  if (distance(*nearest) <= tolerance)
    return {static_cast<int>(nearest - slide.levels().begin()), 1, nearest->downsample_xy};
  return resampled(slide, mpp / slide.mpp()->value);
}

}  // namespace

void check_options(const TileOptions& options) {
  check_ranges(options);
  const auto require = [](bool right, const std::string& message) {
    if (!right) throw Error(ErrorCode::InvalidArgument, message);
  };
  for (const auto* corner : {&options.top_left, &options.bot_right}) {
    require(corner->empty() || corner->size() == 2,
            "--top_left and --bot_right take two numbers, x,y in pixels of level 0");
  }
  if (!options.align_regions) return;
  require(options.region_size % options.patch_size == 0,
          fmt::format("--align_regions: --region_size {} is no multiple of --patch_size {}", options.region_size,
                      options.patch_size));
  require(options.step_size == 0 || options.step_size == options.patch_size,
          "--align_regions lays patches edge to edge: leave --step_size out");
}

image::RgbImage read_patch(const slide::Slide& slide, const PixelRule& pixels, Level0Point origin) {
  image::RgbImage patch = slide.read_region(origin, pixels.level, {pixels.read_size, pixels.read_size});
  if (pixels.patch_size == pixels.read_size) return patch;
  const int side = static_cast<int>(pixels.patch_size);
  return image::resample(patch.view(), side, side, image::Filter::Bicubic);
}

std::optional<double> slide_magnification(const slide::Slide& slide) {
  const bool told_by_user = slide.mpp() && slide.mpp()->source == "user";
  if (slide.objective_power() && !told_by_user) return slide.objective_power();
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

Scale resolve_scale(const slide::Slide& slide, const TileOptions& options) {
  check_options(options);
  if (options.patch_level >= 0) return scale_by_level(slide, options.patch_level);
  if (options.mpp) return scale_by_mpp(slide, *options.mpp, options.mpp_tolerance);
  if (options.mag) return scale_by_mag(slide, *options.mag);
  throw Error(ErrorCode::InvalidArgument, "which pixels are meant: give --mag, --mpp or --patch_level");
}

PixelRule resolve_pixels(const slide::Slide& slide, const TileOptions& options) {
  const Scale scale = resolve_scale(slide, options);
  const auto read_size = std::llround(static_cast<double>(options.patch_size) * scale.reduction);
  return {scale.level, std::max<std::int64_t>(1, read_size), options.patch_size};
}

}  // namespace hipt::tiling
