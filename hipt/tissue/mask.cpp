#include <cmath>

#include <opencv2/imgproc.hpp>

#include "hipt/slide/whole_level.h"
#include "hipt/tissue/pictures.h"

namespace hipt::tissue {
namespace {

// CLAM multiplies by the inverse of the downsample and truncates.
std::vector<cv::Point> to_level(const Ring& ring, Downsample inverse) {
  std::vector<cv::Point> points;
  points.reserve(ring.size());
  for (const Level0Point point : ring) {
    points.emplace_back(static_cast<int>(static_cast<double>(point.x) * inverse.x),
                        static_cast<int>(static_cast<double>(point.y) * inverse.y));
  }
  return points;
}

}  // namespace

image::RgbImage draw_mask(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options) {
  check_ranges(options);
  const slide::WholeLevel level = slide::whole_level(slide, resolve_level(slide, options.vis_level, "vis_level"));
  image::RgbImage picture = slide::read_whole_level(slide, level);
  cv::Mat canvas(picture.height(), picture.width(), CV_8UC3, picture.data());

  const Downsample inverse{1 / level.downsample_xy.x, 1 / level.downsample_xy.y};
  const int thickness =
      static_cast<int>(static_cast<double>(options.line_thickness) * std::sqrt(inverse.x * inverse.y));
  const cv::Scalar green(0, 255, 0);
  const cv::Scalar blue(0, 0, 255);
  const auto draw = [&](const std::vector<std::vector<cv::Point>>& rings, const cv::Scalar& colour) {
    cv::drawContours(canvas, rings, -1, colour, thickness, cv::LINE_8);
  };
  std::vector<std::vector<cv::Point>> outlines;
  for (const Contour& contour : tissue.contours) outlines.push_back(to_level(contour.outline, inverse));
  draw(outlines, green);
  for (const Contour& contour : tissue.contours) {
    std::vector<std::vector<cv::Point>> holes;
    for (const Ring& hole : contour.holes) holes.push_back(to_level(hole, inverse));
    draw(holes, blue);
  }
  return picture;
}

}  // namespace hipt::tissue
