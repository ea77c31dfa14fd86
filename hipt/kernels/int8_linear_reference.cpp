#include <algorithm>
#include <cmath>
#include <cstddef>

#include "hipt/kernels/int8_linear.h"

namespace hipt::kernels {

Int8LinearReference int8_linear_reference(std::span<const float> weight, std::span<const float> bias, std::int64_t in,
                                          std::int64_t out, ByteCode code, std::span<const std::uint8_t> x) {
  const auto width = static_cast<std::size_t>(in), channels = static_cast<std::size_t>(out);
  const std::size_t rows = x.size() / width;
  Int8LinearReference result{std::vector<float>(rows * channels), std::vector<float>(channels)};
  for (std::size_t o = 0; o < channels; ++o) {
    const std::span<const float> given = weight.subspan(o * width, width);
    float largest = 0.0f;
    for (const float value : given) largest = std::max(largest, std::abs(value));
    const float scale = largest / 127.0f;
    std::vector<std::int64_t> quantised(width);
    std::int64_t sum_of_weights = 0;
    for (std::size_t i = 0; i < width; ++i) {
      quantised[i] = scale == 0.0f ? 0 : static_cast<std::int64_t>(std::nearbyint(given[i] / scale));
      sum_of_weights += quantised[i];
    }
    for (std::size_t row = 0; row < rows; ++row) {
      std::int64_t sum = code == ByteCode::Signed ? -128 * sum_of_weights : 0;
      for (std::size_t i = 0; i < width; ++i) sum += x[row * width + i] * quantised[i];
      result.y[row * channels + o] = static_cast<float>(sum) * scale;
    }
    const double from_lowest = double{kGeluLowest} * scale * static_cast<double>(sum_of_weights);
    result.bias[o] =
        static_cast<float>((bias.empty() ? 0.0 : double{bias[o]}) + (code == ByteCode::FromLowest ? from_lowest : 0.0));
  }
  return result;
}

}  // namespace hipt::kernels
