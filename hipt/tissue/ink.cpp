#include <algorithm>
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "hipt/image/draw.h"
#include "hipt/tissue/artifacts.h"
#include "hipt/tissue/scale.h"

namespace hipt::tissue {
namespace {

constexpr double kMicronsPerPixel = 8;
constexpr double kLeastArea = 0.01e6;  // um2
constexpr int kRim = 2;                // px
constexpr int kBlack = 50;

struct Rgb {
  int red;
  int green;
  int blue;
};

// Red ink: more red than, less green and less blue than one of these (deep-histopath).
constexpr std::array<Rgb, 9> kRedInk = {{{150, 80, 90},
                                         {110, 20, 30},
                                         {185, 65, 105},
                                         {195, 85, 125},
                                         {220, 115, 145},
                                         {125, 40, 70},
                                         {200, 120, 150},
                                         {100, 50, 65},
                                         {85, 25, 45}}};
// Haematoxylin (0.65, 0.70, 0.29) and eosin (0.07, 0.99, 0.11 of red, green and blue; Ruifrok and Johnston 2001) both
// take more green than red from the light, blue and green ink the other way round. By optical density; the margin is
// for the noise of the scanner.
bool is_blue_or_green_ink(int red, int green) {
  static const double kMargin = std::pow(10, 0.05);
  return std::max(green, 1) > kMargin * std::max(red, 1);
}

bool is_ink(const std::uint8_t* rgb) {
  const auto is_red = [&](const Rgb& ink) { return rgb[0] > ink.red && rgb[1] < ink.green && rgb[2] < ink.blue; };
  return is_blue_or_green_ink(rgb[0], rgb[1]) || std::ranges::any_of(kRedInk, is_red);
}

bool is_black(const std::uint8_t* rgb) {
  return rgb[0] < kBlack && rgb[1] < kBlack && rgb[2] < kBlack;
}

// Marks the places where `matches` holds, in pieces of at least kLeastArea, with their rim.
template <class Matches>
void mark(Artifacts& artifacts, Artifact kind, double pixel_area, const Matches& matches) {
  const image::RgbImage& picture = artifacts.picture;
  cv::Mat found(picture.height(), picture.width(), CV_8UC1);
  const std::uint8_t* rgb = picture.data();
  for (int y = 0; y < found.rows; ++y) {
    std::uint8_t* row = found.ptr(y);
    for (int x = 0; x < found.cols; ++x, rgb += 3) row[x] = matches(rgb) ? 1 : 0;
  }
  cv::Mat labels;
  cv::Mat facts;
  cv::Mat centres;
  cv::connectedComponentsWithStats(found, labels, facts, centres, 8, CV_32S);
  for (int y = 0; y < found.rows; ++y) {
    const int* label = labels.ptr<int>(y);
    std::uint8_t* row = found.ptr(y);
    for (int x = 0; x < found.cols; ++x) {
      if (row[x] != 0 && facts.at<int>(label[x], cv::CC_STAT_AREA) * pixel_area < kLeastArea) row[x] = 0;
    }
  }
  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(2 * kRim + 1, 2 * kRim + 1));
  cv::dilate(found, found, disc);
  for (int y = 0; y < found.rows; ++y) {
    std::uint8_t* kinds = artifacts.kinds.values.data() + static_cast<std::size_t>(y) * found.cols;
    for (int x = 0; x < found.cols; ++x) {
      if (found.at<std::uint8_t>(y, x) != 0 && kinds[x] == 0) kinds[x] = static_cast<std::uint8_t>(kind);
    }
  }
}

}  // namespace

Artifacts find_ink(const slide::Slide& slide, RgbView picture, Downsample scale, const TissueOptions& options) {
  const double mpp = microns_per_pixel(slide);
  const Downsample shrink{std::max(1.0, kMicronsPerPixel / (mpp * scale.x)),
                          std::max(1.0, kMicronsPerPixel / (mpp * scale.y))};
  const int width = std::max(1, static_cast<int>(std::lround(picture.width / shrink.x)));
  const int height = std::max(1, static_cast<int>(std::lround(picture.height / shrink.y)));
  Artifacts artifacts{image::resize_area(picture, width, height), {width, height, {}}};
  artifacts.kinds.values.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  const double pixel_area = mpp * scale.x * picture.width / width * mpp * scale.y * picture.height / height;
  if (options.remove_penmarks) mark(artifacts, Artifact::Pen, pixel_area, is_ink);
  if (options.remove_black) mark(artifacts, Artifact::Black, pixel_area, is_black);
  return artifacts;
}

void erase(Plane& plane, const Artifacts& artifacts) {
  const Plane& kinds = artifacts.kinds;
  for (int y = 0; y < plane.height; ++y) {
    const auto row = static_cast<std::size_t>(std::int64_t{y} * kinds.height / plane.height) * kinds.width;
    std::uint8_t* values = plane.values.data() + static_cast<std::size_t>(y) * plane.width;
    for (int x = 0; x < plane.width; ++x) {
      const auto column = static_cast<std::size_t>(std::int64_t{x} * kinds.width / plane.width);
      if (kinds.values[row + column] != 0) values[x] = 0;
    }
  }
}

}  // namespace hipt::tissue
