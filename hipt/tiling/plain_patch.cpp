#include "hipt/tiling/plain_patch.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace hipt::tiling {

bool is_plain(RgbView patch, std::optional<double> white_thresh, std::optional<double> black_thresh) {
  // OpenCV has no view of constant pixels; these are only read.
  const cv::Mat rgb(patch.height, patch.width, CV_8UC3, const_cast<std::uint8_t*>(patch.data),
                    static_cast<std::size_t>(patch.row_bytes));
  if (black_thresh) {
    const cv::Scalar mean = cv::mean(rgb);
    if (mean[0] < *black_thresh && mean[1] < *black_thresh && mean[2] < *black_thresh) return true;
  }
  if (!white_thresh) return false;
  cv::Mat hsv;
  cv::cvtColor(rgb, hsv, cv::COLOR_RGB2HSV);
  return cv::mean(hsv)[1] < *white_thresh;
}

}  // namespace hipt::tiling
