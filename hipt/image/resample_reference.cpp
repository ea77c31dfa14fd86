#include <algorithm>

#include "hipt/image/resample_weights.h"

namespace hipt::image {
namespace {

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

// One side: target pixel (column, row) is the weighted sum of source pixels in the same row or column.
RgbImage resample_side(const RgbImage& source, int width, int height, Filter filter, bool horizontal) {
  const ResampleWeights weights(horizontal ? source.width() : source.height(), horizontal ? width : height, filter);
  RgbImage target(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        const int along = horizontal ? x : y;
        std::int32_t sum = 1 << (kWeightBits - 1);
        int at = weights.first(along);
        for (const std::int32_t weight : weights.of(along)) {
          sum += weight * source.view().row(horizontal ? y : at)[3 * (horizontal ? at : x) + channel];
          ++at;
        }
        target.row(y)[3 * x + channel] = to_byte(sum);
      }
    }
  }
  return target;
}

}  // namespace

RgbImage resample_reference(RgbView picture, int width, int height, Filter filter) {
  check_resample_size(picture, width, height);
  RgbImage current(picture.width, picture.height);
  for (int y = 0; y < picture.height; ++y) std::copy_n(picture.row(y), 3 * picture.width, current.row(y));
  if (width != picture.width) current = resample_side(current, width, picture.height, filter, true);
  if (height != picture.height) current = resample_side(current, width, height, filter, false);
  return current;
}

}  // namespace hipt::image
