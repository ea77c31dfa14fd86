#include "hipt/tissue/segmentation.h"

#include <algorithm>
#include <functional>
#include <limits>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

namespace hipt::tissue {
namespace {

constexpr std::int64_t kMostPixels = 100'000'000;  // CLAM's limit of a segmentation level
constexpr double kReferenceSide = 512;             // a_t and a_h count squares of this many level-0 px

using Pixels = std::vector<cv::Point>;  // a ring in pixels of the segmentation level

cv::Mat matrix(Plane& plane) {
  return cv::Mat(plane.height, plane.width, CV_8UC1, plane.values.data());
}

// A foreground contour of cv::findContours with its holes.
struct Found {
  const Pixels* outline = nullptr;
  std::vector<const Pixels*> holes;
};

// Outlines and their holes in OpenCV's order (RETR_CCOMP has exactly these two levels).
std::vector<Found> outlines_with_holes(const std::vector<Pixels>& rings, const std::vector<cv::Vec4i>& hierarchy) {
  constexpr int kParent = 3;
  std::vector<Found> found;
  std::vector<std::size_t> place(rings.size());
  for (std::size_t i = 0; i < rings.size(); ++i) {
    if (hierarchy[i][kParent] >= 0) continue;
    place[i] = found.size();
    found.push_back({&rings[i], {}});
  }
  for (std::size_t i = 0; i < rings.size(); ++i) {
    const int parent = hierarchy[i][kParent];
    if (parent >= 0) found[place[static_cast<std::size_t>(parent)]].holes.push_back(&rings[i]);
  }
  return found;
}

double net_area(const Found& found) {
  double holes = 0;
  for (const Pixels* hole : found.holes) holes += cv::contourArea(*hole);
  return cv::contourArea(*found.outline) - holes;
}

// The largest `most` holes, and of these the ones above `least_area`.
std::vector<const Pixels*> largest_holes(std::vector<const Pixels*> holes, std::int64_t most, double least_area) {
  const auto area = [](const Pixels* ring) { return cv::contourArea(*ring); };
  std::ranges::stable_sort(holes, std::ranges::greater(), area);
  if (std::ssize(holes) > most) holes.resize(static_cast<std::size_t>(most));
  std::erase_if(holes, [&](const Pixels* ring) { return area(ring) <= least_area; });
  return holes;
}

// CLAM multiplies in double and truncates.
Ring to_level0(const Pixels& ring, Downsample scale) {
  Ring points;
  points.reserve(ring.size());
  for (const cv::Point point : ring) {
    points.push_back({static_cast<std::int64_t>(point.x * scale.x), static_cast<std::int64_t>(point.y * scale.y)});
  }
  return points;
}

void require_size(const slide::Slide& slide, int level) {
  const Size size = slide.levels()[static_cast<std::size_t>(level)].size;
  if (size.width * size.height <= kMostPixels) return;
  throw Error(
      ErrorCode::Unsupported,
      fmt::format("{}: level {} has {} x {} pixels, segmentation takes at most {}; choose a coarser --seg_level, or "
                  "add levels to the file when it has none",
                  slide.path().string(), level, size.width, size.height, kMostPixels));
}

void check(const TissueOptions& options) {
  check_ranges(options);
  if (options.mthresh % 2 == 0) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("--mthresh {}: the median filter needs an odd side, such as {}",
                                                        options.mthresh, options.mthresh + 1));
  }
}

}  // namespace

Plane saturation(RgbView picture) {
  Plane plane{picture.width, picture.height, {}};
  plane.values.resize(static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(plane.height));
  cv::Mat values = matrix(plane);
  // In strips, so that hue and value of a large level need no memory of their own.
  constexpr int kRows = 256;
  cv::Mat hsv;
  for (int y = 0; y < picture.height; y += kRows) {
    const int rows = std::min(kRows, picture.height - y);
    const cv::Mat rgb(rows, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.row(y)),
                      static_cast<std::size_t>(picture.row_bytes));
    cv::cvtColor(rgb, hsv, cv::COLOR_RGB2HSV);
    cv::Mat strip = values.rowRange(y, y + rows);
    cv::extractChannel(hsv, strip, 1);
  }
  return plane;
}

void median_filter(Plane& plane, std::int64_t side) {
  const cv::Mat before = matrix(plane).clone();
  cv::Mat after = matrix(plane);
  cv::medianBlur(before, after, static_cast<int>(side));
}

double binarise(Plane& plane, const TissueOptions& options) {
  cv::Mat values = matrix(plane);
  const int kind = cv::THRESH_BINARY | (options.use_otsu ? cv::THRESH_OTSU : 0);
  return cv::threshold(values, values, static_cast<double>(options.sthresh), 255, kind);
}

void close_gaps(Plane& binary, std::int64_t side) {
  if (side == 0) return;
  cv::Mat values = matrix(binary);
  const cv::Mat square = cv::Mat::ones(static_cast<int>(side), static_cast<int>(side), CV_8UC1);
  cv::morphologyEx(values, values, cv::MORPH_CLOSE, square);
}

Tissue find_contours(const Plane& binary, Downsample scale, const TissueOptions& options) {
  const cv::Mat values(binary.height, binary.width, CV_8UC1, const_cast<std::uint8_t*>(binary.values.data()));
  std::vector<Pixels> rings;
  std::vector<cv::Vec4i> hierarchy;
  cv::findContours(values, rings, hierarchy, cv::RETR_CCOMP, cv::CHAIN_APPROX_NONE);

  // Whole pixels of the level that one square of level 0 has.
  const double square =
      static_cast<double>(static_cast<std::int64_t>(kReferenceSide * kReferenceSide / (scale.x * scale.y)));
  Tissue tissue;
  for (const Found& found : outlines_with_holes(rings, hierarchy)) {
    const double area = net_area(found);
    if (area == 0) continue;
    if (!(area > options.a_t * square)) {
      tissue.dropped_areas.push_back(area * scale.x * scale.y / (kReferenceSide * kReferenceSide));
      continue;
    }
    Contour contour{to_level0(*found.outline, scale), {}};
    for (const Pixels* hole : largest_holes(found.holes, options.max_n_holes, options.a_h * square)) {
      contour.holes.push_back(to_level0(*hole, scale));
    }
    tissue.contours.push_back(std::move(contour));
  }
  std::ranges::sort(tissue.dropped_areas, std::ranges::greater());
  return tissue;
}

int resolve_level(const slide::Slide& slide, std::int64_t level, std::string_view flag) {
  if (level < 0) return slide.best_level_for_downsample(64);
  const auto levels = std::ssize(slide.levels());
  if (level < levels) return static_cast<int>(level);
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("{}: --{} {}: the slide has {}", slide.path().string(), flag, level,
                          levels == 1 ? "only level 0" : fmt::format("levels 0 to {}", levels - 1)));
}

Tissue segment(const slide::Slide& slide, const TissueOptions& options) {
  check(options);
  const int level = resolve_level(slide, options.seg_level, "seg_level");
  require_size(slide, level);
  // Slides are worked on in parallel by the caller's pool. The number is the process's and is the same in every call.
  cv::setNumThreads(0);
  const slide::Level& facts = slide.levels()[static_cast<std::size_t>(level)];

  Plane plane = saturation(slide.read_region({0, 0}, level, facts.size).view());
  median_filter(plane, options.mthresh);
  const double threshold = binarise(plane, options);
  close_gaps(plane, options.close);
  Tissue tissue = find_contours(plane, facts.downsample_xy, options);
  tissue.seg_level = level;
  tissue.threshold = threshold;
  return tissue;
}

}  // namespace hipt::tissue
