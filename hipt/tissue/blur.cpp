#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "hipt/image/draw.h"
#include "hipt/tissue/artifacts.h"
#include "hipt/tissue/scale.h"

namespace hipt::tissue {
namespace {

constexpr double kMicronsPerPixel = 2;
constexpr int kCell = 16;               // px of that resolution: 32 um
constexpr int kWindow = 5;              // cells
constexpr int kTile = 16;               // cells read at once
constexpr double kLeastVariance = 100;  // of the Laplacian of 8-bit grey values
constexpr double kLeastTissue = 0.25;   // of a window, to be judged at all

// The slide at 2 um a pixel, cut into cells, with the sums of the Laplacian over the tissue of each.
class Focus {
 public:
  Focus(const slide::Slide& slide, const Plane& tissue)
      : slide_(slide), tissue_(tissue), downsample_(kMicronsPerPixel / microns_per_pixel(slide)) {
    const auto cells = [&](std::int64_t side) {
      return static_cast<int>(std::ceil(static_cast<double>(side) / (downsample_ * kCell)));
    };
    const cv::Size size(cells(slide.size().width), cells(slide.size().height));
    for (cv::Mat* sums : {&count_, &sum_, &squares_}) *sums = cv::Mat::zeros(size, CV_64FC1);
  }

  // 1 where a cell is out of focus.
  cv::Mat blurred() {
    for (int y = 0; y < count_.rows; y += kTile) {
      for (int x = 0; x < count_.cols; x += kTile) add_tile(x, y);
    }
    for (cv::Mat* sums : {&count_, &sum_, &squares_}) {
      cv::boxFilter(*sums, *sums, -1, cv::Size(kWindow, kWindow), cv::Point(-1, -1), false, cv::BORDER_CONSTANT);
    }
    cv::Mat blurred = cv::Mat::zeros(count_.size(), CV_8UC1);
    for (int y = 0; y < blurred.rows; ++y) {
      for (int x = 0; x < blurred.cols; ++x) blurred.at<std::uint8_t>(y, x) = is_blurred(x, y) ? 1 : 0;
    }
    return blurred;
  }

 private:
  bool is_blurred(int x, int y) const {
    const double count = count_.at<double>(y, x);
    if (count < kLeastTissue * kWindow * kWindow * kCell * kCell) return false;
    const double mean = sum_.at<double>(y, x) / count;
    return squares_.at<double>(y, x) / count - mean * mean < kLeastVariance;
  }

  // Whether the place, in px of this resolution, is tissue, with all its neighbours on the slide.
  bool is_tissue(int x, int y) const {
    const auto inside = [&](int place, std::int64_t side) {
      return place > 0 && (place + 2) * downsample_ <= static_cast<double>(side);
    };
    if (!inside(x, slide_.size().width) || !inside(y, slide_.size().height)) return false;
    const auto of = [&](int place, int side, std::int64_t slide_side) {
      return static_cast<std::int64_t>((place + 0.5) * downsample_ * side / static_cast<double>(slide_side));
    };
    const std::int64_t column = of(x, tissue_.width, slide_.size().width);
    const std::int64_t row = of(y, tissue_.height, slide_.size().height);
    if (column >= tissue_.width || row >= tissue_.height) return false;
    return tissue_.values[static_cast<std::size_t>(row * tissue_.width + column)] != 0;
  }

  void add_tile(int left, int top) {
    const int width = kCell * std::min(kTile, count_.cols - left);
    const int height = kCell * std::min(kTile, count_.rows - top);
    cv::Mat tissue = cv::Mat::zeros(height, width, CV_8UC1);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        tissue.at<std::uint8_t>(y, x) = is_tissue(left * kCell + x, top * kCell + y) ? 1 : 0;
      }
    }
    if (cv::countNonZero(tissue) == 0) return;
    const cv::Mat laplacian = read_laplacian(left * kCell, top * kCell, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (tissue.at<std::uint8_t>(y, x) == 0) continue;
        const double value = laplacian.at<std::int16_t>(y, x);
        const cv::Point cell(left + x / kCell, top + y / kCell);
        count_.at<double>(cell) += 1;
        sum_.at<double>(cell) += value;
        squares_.at<double>(cell) += value * value;
      }
    }
  }

  // The four-neighbour Laplacian of the grey picture, with a border of one px read beside it.
  cv::Mat read_laplacian(int left, int top, int width, int height) const {
    const auto level0 = [&](int place) { return static_cast<std::int64_t>(std::floor(place * downsample_)); };
    const int level = slide_.best_level_for_downsample(downsample_);
    const Downsample scale = slide_.levels()[static_cast<std::size_t>(level)].downsample_xy;
    const auto pixels = [&](int side, double level_downsample) {
      return std::max<std::int64_t>(1, std::llround((side + 2) * downsample_ / level_downsample));
    };
    const image::RgbImage read = slide_.read_region({level0(left - 1), level0(top - 1)}, level,
                                                    {pixels(width, scale.x), pixels(height, scale.y)});
    image::RgbImage picture = image::resize_area(read.view(), width + 2, height + 2);
    cv::Mat grey;
    cv::cvtColor(cv::Mat(picture.height(), picture.width(), CV_8UC3, picture.data()), grey, cv::COLOR_RGB2GRAY);
    cv::Mat laplacian;
    cv::Laplacian(grey, laplacian, CV_16S, 1);
    return laplacian(cv::Rect(1, 1, width, height)).clone();
  }

  const slide::Slide& slide_;
  const Plane& tissue_;
  double downsample_;  // of this resolution against level 0
  cv::Mat count_;      // a cell's tissue px
  cv::Mat sum_;
  cv::Mat squares_;
};

}  // namespace

void add_blur(const slide::Slide& slide, const Plane& tissue, Artifacts& artifacts) {
  const double mpp = microns_per_pixel(slide);
  if (mpp > kMicronsPerPixel) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{}: --remove_blur judges focus at {} um a pixel, and the slide has {:.4g}",
                            slide.path().string(), kMicronsPerPixel, mpp));
  }
  const cv::Mat blurred = Focus(slide, tissue).blurred();
  Plane& kinds = artifacts.kinds;
  // A cell is kCell px of 2 um; its place follows from the slide's size in cells, which need not be whole.
  const double cell = kCell * kMicronsPerPixel / mpp;
  for (int y = 0; y < kinds.height; ++y) {
    const double place_y = (y + 0.5) * static_cast<double>(slide.size().height) / kinds.height;
    const int row = std::min(blurred.rows - 1, static_cast<int>(place_y / cell));
    for (int x = 0; x < kinds.width; ++x) {
      const double place_x = (x + 0.5) * static_cast<double>(slide.size().width) / kinds.width;
      const int column = std::min(blurred.cols - 1, static_cast<int>(place_x / cell));
      std::uint8_t& kind = kinds.values[static_cast<std::size_t>(y) * kinds.width + x];
      if (kind == 0 && blurred.at<std::uint8_t>(row, column) != 0) kind = static_cast<std::uint8_t>(Artifact::Blur);
    }
  }
}

}  // namespace hipt::tissue
