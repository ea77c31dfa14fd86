// The way from a slide to its tissue.

#include <fmt/format.h>
#include <opencv2/core/utility.hpp>

#include "hipt/slide/whole_level.h"
#include "hipt/tissue/artifacts.h"
#include "hipt/tissue/given.h"
#include "hipt/tissue/segmentation.h"

namespace hipt::tissue {
namespace {

void check(const TissueOptions& options) {
  check_ranges(options);
  if (options.mthresh % 2 == 0) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("--mthresh {}: the median filter needs an odd side, such as {}",
                                                        options.mthresh, options.mthresh + 1));
  }
}

Tissue segment_picture(const slide::Slide& slide, const TissueOptions& options) {
  check(options);
  const slide::WholeLevel level = slide::whole_level(slide, resolve_level(slide, options.seg_level, "seg_level"));
  // Slides are worked on in parallel by the caller's pool. The number is the process's and is the same in every call.
  cv::setNumThreads(0);

  const image::RgbImage picture = slide::read_whole_level(slide, level);
  Plane plane = saturation(picture.view());
  std::optional<Artifacts> artifacts;
  if (options.remove_penmarks || options.remove_black || options.remove_blur) {
    artifacts = find_ink(slide, picture.view(), level.downsample_xy, options);
    erase(plane, *artifacts);
  }
  median_filter(plane, options.mthresh);
  const double threshold = binarise(plane, options);
  if (options.remove_blur) {
    add_blur(slide, plane, *artifacts);
    erase(plane, *artifacts);
  }
  close_gaps(plane, options.close);
  Tissue tissue = find_contours(plane, level.downsample_xy, options);
  tissue.seg_level = level.level;
  tissue.reduction = level.reduction;
  tissue.threshold = threshold;
  tissue.artifacts = std::move(artifacts);
  return tissue;
}

}  // namespace

int resolve_level(const slide::Slide& slide, std::int64_t level, std::string_view flag) {
  if (level < 0) return slide.best_level_for_downsample(64);
  const auto levels = std::ssize(slide.levels());
  if (level < levels) return static_cast<int>(level);
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("{}: --{} {}: the slide has {}", slide.path().string(), flag, level,
                          levels == 1 ? "only level 0" : fmt::format("levels 0 to {}", levels - 1)));
}

Tissue segment(const slide::Slide& slide, const TissueOptions& options) {
  Tissue tissue = options.tissue_from.empty() ? segment_picture(slide, options) : read_given(slide, options);
  with_context(slide.path().string(), [&] { choose_contours(tissue, options); });
  return tissue;
}

}  // namespace hipt::tissue
