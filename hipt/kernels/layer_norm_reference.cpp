#include <cmath>

#include "hipt/kernels/layer_norm.h"

namespace hipt::kernels {

void layer_norm_reference(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                          float epsilon, std::span<float> out) {
  const std::size_t dim = gain.size();
  const double n = static_cast<double>(dim);
  for (std::size_t row = 0; row < x.size(); row += dim) {
    double mean = 0.0;
    for (std::size_t i = 0; i < dim; ++i) mean += double{x[row + i]} / n;
    double variance = 0.0;
    for (std::size_t i = 0; i < dim; ++i) variance += (x[row + i] - mean) * (x[row + i] - mean) / n;
    const double scale = 1.0 / std::sqrt(variance + double{epsilon});
    for (std::size_t i = 0; i < dim; ++i)
      out[row + i] = static_cast<float>((x[row + i] - mean) * scale * gain[i] + bias[i]);
  }
}

void layer_norm_then_add_reference(std::span<float> x, std::span<const float> gain, std::span<const float> bias,
                                   float epsilon, std::span<float> out, std::span<const float> then_add) {
  layer_norm_reference(x, gain, bias, epsilon, out);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += then_add[i % then_add.size()];
}

}  // namespace hipt::kernels
