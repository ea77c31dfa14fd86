#include <algorithm>
#include <string>

#include <opencv2/imgproc.hpp>

#include "hipt/image/draw.h"
#include "hipt/slide/whole_level.h"
#include "hipt/tissue/pictures.h"

namespace hipt::tissue {
namespace {

constexpr double kMostSide = 2000;  // px
constexpr int kLine = 2;            // px

const cv::Scalar kGreen(0, 150, 0);
const cv::Scalar kGrey(128, 128, 128);
const cv::Scalar kBlue(0, 0, 255);

// The slide, reduced from the coarsest level that is fine enough.
image::RgbImage thumbnail(const slide::Slide& slide) {
  const double sides = static_cast<double>(std::max(slide.size().width, slide.size().height));
  const double reduction = std::max(1.0, sides / kMostSide);
  const slide::WholeLevel level = slide::whole_level(slide, slide.best_level_for_downsample(reduction));
  image::RgbImage picture = slide::read_whole_level(slide, level);
  const auto reduced = [&](std::int64_t side) {
    return std::max(1, static_cast<int>(static_cast<double>(side) / reduction));
  };
  const int width = std::min(picture.width(), reduced(slide.size().width));
  const int height = std::min(picture.height(), reduced(slide.size().height));
  return image::resize_area(picture.view(), width, height);
}

class Drawing {
 public:
  Drawing(image::RgbImage& picture, Size slide)
      : canvas_(picture.height(), picture.width(), CV_8UC3, picture.data()),
        scale_{static_cast<double>(picture.width()) / static_cast<double>(slide.width),
               static_cast<double>(picture.height()) / static_cast<double>(slide.height)},
        letters_(std::clamp(std::max(picture.width(), picture.height()) / kMostSide, 0.5, 1.0)) {}

  void outlines(const Contour& contour, const cv::Scalar& colour, const cv::Scalar& holes) {
    cv::polylines(canvas_, points(contour.outline), true, colour, kLine);
    for (const Ring& hole : contour.holes) cv::polylines(canvas_, points(hole), true, holes, kLine);
  }

  // Right of the outline's highest point, inside the picture; dark on a light rim, so that it reads on any tissue.
  void number(const Contour& contour, const cv::Scalar& colour) {
    const std::string text = std::to_string(contour.id);
    const std::vector<cv::Point> ring = points(contour.outline);
    const cv::Point top = *std::ranges::min_element(ring, {}, &cv::Point::y);
    const cv::Size box = cv::getTextSize(text, kFont, letters_, kLine, nullptr);
    constexpr int kGap = 4;
    const cv::Point corner(std::clamp(top.x + kGap, 0, std::max(0, canvas_.cols - box.width)),
                           std::clamp(top.y - kGap, box.height, std::max(box.height, canvas_.rows - 1)));
    cv::putText(canvas_, text, corner, kFont, letters_, cv::Scalar(255, 255, 255), kLine + 4, cv::LINE_AA);
    cv::putText(canvas_, text, corner, kFont, letters_, colour, kLine, cv::LINE_AA);
  }

 private:
  static constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

  std::vector<cv::Point> points(const Ring& ring) const {
    std::vector<cv::Point> scaled;
    scaled.reserve(ring.size());
    for (const Level0Point point : ring) {
      scaled.emplace_back(static_cast<int>(static_cast<double>(point.x) * scale_.x),
                          static_cast<int>(static_cast<double>(point.y) * scale_.y));
    }
    return scaled;
  }

  cv::Mat canvas_;
  Downsample scale_;  // of the picture against level 0, at most 1
  double letters_;    // OpenCV's scale of the font
};

}  // namespace

image::RgbImage draw_numbered_contours(const slide::Slide& slide, const Tissue& tissue) {
  image::RgbImage picture = thumbnail(slide);
  Drawing drawing(picture, slide.size());
  for (const Contour& contour : tissue.left_out) drawing.outlines(contour, kGrey, kGrey);
  for (const Contour& contour : tissue.contours) drawing.outlines(contour, kGreen, kBlue);
  // All numbers above all outlines.
  for (const Contour& contour : tissue.left_out) drawing.number(contour, kGrey);
  for (const Contour& contour : tissue.contours) drawing.number(contour, cv::Scalar(0, 0, 0));
  return picture;
}

}  // namespace hipt::tissue
