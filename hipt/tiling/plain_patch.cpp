#include "hipt/tiling/plain_patch.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace hipt::tiling {

bool is_plain(RgbView patch, std::optional<double> white_thresh, std::optional<double> black_thresh) {
  // OpenCV has no view of constant pixels; these are only read.
  const cv::Mat rgb(patch.height, patch.width, CV_8UC3, const_cast<std::uint8_t*>(patch.data),
                    static_cast<std::size_t>(patch.row_bytes));
  // Divided as NumPy does; cv::mean multiplies by a reciprocal, which may land on the other side of a threshold.
  const auto pixels = static_cast<double>(rgb.total());
  if (black_thresh) {
    const cv::Scalar sum = cv::sum(rgb);
    const auto is_dark = [&](int channel) { return sum[channel] / pixels < *black_thresh; };
    if (is_dark(0) && is_dark(1) && is_dark(2)) return true;
  }
  if (!white_thresh) return false;
  cv::Mat hsv;
  cv::cvtColor(rgb, hsv, cv::COLOR_RGB2HSV);
  return cv::sum(hsv)[1] / pixels < *white_thresh;
}

}  // namespace hipt::tiling
