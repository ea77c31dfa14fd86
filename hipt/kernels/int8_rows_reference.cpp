#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "hipt/kernels/int8_rows.h"
#include "hipt/kernels/layer_norm.h"

namespace hipt::kernels {
namespace {

double at(const ScaledProduct& product, std::size_t index) {
  const std::size_t cols = product.bias.size();
  return double{product.data[index]} * product.scales[index / cols] + product.bias[index % cols];
}

std::uint8_t nearest_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
}

}  // namespace

void add_product_reference(std::span<float> x, const ScaledProduct& product) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] + at(product, i));
}

void quantise_rows_reference(std::span<const float> x, std::int64_t cols, ByteRows out) {
  const auto width = static_cast<std::size_t>(cols);
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    double largest = 0.0;
    for (std::size_t i = row * width; i < (row + 1) * width; ++i) largest = std::max(largest, std::abs(double{x[i]}));
    out.scales[row] = static_cast<float>(largest / 127.0);
    for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
      out.bytes[i] = nearest_byte(largest == 0.0 ? 128.0 : x[i] / largest * 127.0 + 128.0);
    }
  }
}

void quantise_layer_norm_reference(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                                   float epsilon, ByteRows out) {
  std::vector<float> normed(x.size());
  layer_norm_reference(x, gain, bias, epsilon, normed);
  quantise_rows_reference(normed, static_cast<std::int64_t>(gain.size()), out);
}

void add_then_quantise_layer_norm_reference(std::span<float> x, const ScaledProduct& product,
                                            std::span<const float> gain, std::span<const float> bias, float epsilon,
                                            ByteRows out) {
  add_product_reference(x, product);
  quantise_layer_norm_reference(x, gain, bias, epsilon, out);
}

void quantise_gelu_reference(const ScaledProduct& product, std::int64_t rows, ByteRows out) {
  const std::size_t width = product.bias.size();
  const double lowest = kGeluLowest;
  std::vector<double> values(width);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    double largest = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
      const double value = at(product, row * width + i);
      values[i] = 0.5 * value * (1.0 + std::erf(value / std::numbers::sqrt2));
      largest = std::max(largest, values[i]);
    }
    const double scale = (largest - lowest) / 255.0;
    out.scales[row] = static_cast<float>(scale);
    for (std::size_t i = 0; i < width; ++i) out.bytes[row * width + i] = nearest_byte((values[i] - lowest) / scale);
  }
}

}  // namespace hipt::kernels
