#include "hipt/tissue/segmentation.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

namespace hipt::tissue {
namespace {

constexpr double kReferenceSide = 512;  // a_t and a_h count squares of this many level-0 px

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
  return cv::threshold(values, values, static_cast<double>(options.sthresh), static_cast<double>(options.sthresh_up),
                       kind);
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
    Contour contour;
    contour.outline = to_level0(*found.outline, scale);
    for (const Pixels* hole : largest_holes(found.holes, options.max_n_holes, options.a_h * square)) {
      contour.holes.push_back(to_level0(*hole, scale));
    }
    tissue.contours.push_back(std::move(contour));
  }
  std::ranges::sort(tissue.dropped_areas, std::ranges::greater());
  return tissue;
}

void choose_contours(Tissue& tissue, const TissueOptions& options) {
  std::vector<Contour> found = std::exchange(tissue.contours, {});
  const auto names = [](const std::vector<std::int64_t>& ids, std::int64_t id) {
    return std::ranges::find(ids, id) != ids.end();
  };
  for (const std::int64_t id : options.keep_ids) {
    if (id < std::ssize(found) || names(options.exclude_ids, id)) continue;
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--keep_ids {}: {} contour{} found, numbered from 0; --number_contours draws them", id,
                            found.size(), found.size() == 1 ? " was" : "s were"));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    Contour& contour = found[i];
    contour.id = static_cast<std::int64_t>(i);
    const bool kept =
        (options.keep_ids.empty() || names(options.keep_ids, contour.id)) && !names(options.exclude_ids, contour.id);
    (kept ? tissue.contours : tissue.left_out).push_back(std::move(contour));
  }
}

}  // namespace hipt::tissue
