#include <cmath>
#include <numbers>

#include "hipt/kernels/gelu.h"

namespace hipt::kernels {

void add_bias_gelu_reference(std::span<float> x, std::span<const float> bias) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = double{x[i]} + double{bias[i % bias.size()]};
    x[i] = static_cast<float>(0.5 * value * (1.0 + std::erf(value / std::numbers::sqrt2)));
  }
}

}  // namespace hipt::kernels
