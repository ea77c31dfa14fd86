#include "hipt/image/draw.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "hipt/base/error.h"

namespace hipt::image {
namespace {

// OpenCV's view of our pixels; channel order does not matter to what is called here.
cv::Mat mat_of(RgbImage& picture) {
  return cv::Mat(picture.height(), picture.width(), CV_8UC3, picture.data());
}

// The part of [start, start + length) inside [0, limit), computed wide enough not to overflow.
struct Overlap {
  std::int64_t begin;
  std::int64_t end;
};

Overlap overlap(int start, int length, int limit) {
  return {std::max<std::int64_t>(start, 0), std::min<std::int64_t>(std::int64_t{start} + length, limit)};
}

}  // namespace

RgbImage resize_area(RgbView picture, int width, int height) {
  if (width <= 0 || height <= 0 || picture.width <= 0 || picture.height <= 0) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("cannot resize {} x {} pixels to {} x {}", picture.width, picture.height, width, height));
  }
  RgbImage resized(width, height);
  const cv::Mat source(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.data),
                       static_cast<std::size_t>(picture.row_bytes));
  cv::Mat target = mat_of(resized);
  cv::resize(source, target, target.size(), 0, 0, cv::INTER_AREA);
  return resized;
}

void paste(RgbImage& picture, int x, int y, RgbView patch) {
  const Overlap across = overlap(x, patch.width, picture.width());
  const Overlap down = overlap(y, patch.height, picture.height());
  if (across.begin >= across.end) return;
  for (std::int64_t row = down.begin; row < down.end; ++row) {
    std::memcpy(picture.row(static_cast<int>(row)) + across.begin * 3,
                patch.row(static_cast<int>(row - y)) + (across.begin - x) * 3,
                static_cast<std::size_t>(across.end - across.begin) * 3);
  }
}

void fill_rectangle(RgbImage& picture, int x, int y, int width, int height, Colour colour) {
  const Overlap across = overlap(x, width, picture.width());
  const Overlap down = overlap(y, height, picture.height());
  for (std::int64_t row = down.begin; row < down.end; ++row) {
    std::uint8_t* pixel = picture.row(static_cast<int>(row)) + across.begin * 3;
    for (std::int64_t column = across.begin; column < across.end; ++column, pixel += 3) {
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

void draw_rings(RgbImage& picture, std::span<const std::vector<PixelPoint>> rings, Colour colour, int thickness) {
  if (thickness < 0 || thickness > 32767) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("a line of {} pixels; 0 to 32767 can be drawn", thickness));
  }
  if (rings.empty() || picture.byte_size() == 0) return;
  std::vector<std::vector<cv::Point>> contours;
  for (const std::vector<PixelPoint>& ring : rings) {
    if (ring.empty()) continue;  // OpenCV fails on these
    std::vector<cv::Point>& contour = contours.emplace_back();
    for (const PixelPoint& point : ring) contour.emplace_back(point.x, point.y);
  }
  cv::Mat canvas = mat_of(picture);
  cv::drawContours(canvas, contours, -1, cv::Scalar(colour.red, colour.green, colour.blue), thickness, cv::LINE_8);
}

}  // namespace hipt::image
