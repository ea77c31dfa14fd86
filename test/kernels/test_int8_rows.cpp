#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/gelu.h"
#include "hipt/kernels/int8_rows.h"
#include "hipt/kernels/layer_norm.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using test::GuardedFloats;

namespace {

constexpr float kNormEpsilon = 1e-6f;
constexpr std::size_t kThreeRows = 3;

std::vector<std::size_t> widths() {
  std::vector<std::size_t> result;
  for (std::size_t width = 1; width <= 40; ++width) result.push_back(width);
  result.insert(result.end(), {63, 64, 65, 384, 1000, 1536});
  return result;
}

// Bytes and scales with guarded ends.
class Quantised {
 public:
  Quantised(std::size_t rows, std::size_t cols) : cols_(cols), bytes_(rows * cols + 2 * kGuard, kUntouched) {
    scales_.resize(rows);
  }
  kernels::ByteRows out() { return {bytes_.data() + kGuard, scales_.data()}; }
  std::span<const std::uint8_t> bytes() const { return std::span(bytes_).subspan(kGuard, bytes_.size() - 2 * kGuard); }
  const std::vector<float>& scales() const { return scales_; }
  bool ends_untouched() const {
    const auto untouched = [](std::uint8_t byte) { return byte == kUntouched; };
    return std::all_of(bytes_.begin(), bytes_.begin() + kGuard, untouched) &&
           std::all_of(bytes_.end() - kGuard, bytes_.end(), untouched);
  }
  // How far the numbers are from `expected`, in steps of their row: at best 0.5.
  double worst_in_steps(std::span<const float> expected, double zero, double lowest) const {
    double worst = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double scale = scales_[i / cols_];
      worst = std::max(worst, std::abs((expected[i] - lowest) / scale - (bytes()[i] - zero)));
    }
    return worst;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr std::uint8_t kUntouched = 77;
  std::size_t cols_;
  std::vector<std::uint8_t> bytes_;
  std::vector<float> scales_;
};

constexpr double kHalfAStep = 0.5005;  // half, and the rounding of float32 in steps

void check_alike(const Quantised& actual, const Quantised& twin) {
  CHECK(actual.ends_untouched());
  for (std::size_t row = 0; row < actual.scales().size(); ++row) {
    CHECK(actual.scales()[row] == doctest::Approx(twin.scales()[row]).epsilon(1e-5));
  }
  const auto apart = [](std::uint8_t a, std::uint8_t b) { return std::abs(int{a} - int{b}) > 1; };
  CHECK(std::ranges::equal(actual.bytes(), twin.bytes(), [&](auto a, auto b) { return !apart(a, b); }));
}

}  // namespace

TEST_CASE("rows in bytes are within half a step at every size around two vectors") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t cols : widths()) {
      const GuardedFloats x("x", kThreeRows * cols, 1, 4.0);
      Quantised actual(kThreeRows, cols), twin(kThreeRows, cols);
      kernels::quantise_rows(x.span(), static_cast<std::int64_t>(cols), actual.out());
      kernels::quantise_rows_reference(x.span(), static_cast<std::int64_t>(cols), twin.out());
      worst.add(actual.worst_in_steps(x.span(), 128.0, 0.0), fmt::format("{} ({})", cols, target));
      check_alike(actual, twin);
    }
  });
  test::check_worst("rows in bytes, in steps", worst, kHalfAStep);
}

TEST_CASE("rows of zeros, of tiny numbers and with one large number in bytes") {
  std::vector<float> x(3 * 20, 0.0f);
  x[25] = 1e-38f;
  x[47] = -1e30f;
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(target);
    Quantised actual(3, 20);
    kernels::quantise_rows(x, 20, actual.out());
    CHECK(actual.scales()[0] == 0.0f);
    CHECK(actual.scales()[1] <= 1e-38f);
    CHECK(actual.scales()[2] == doctest::Approx(1e30 / 127));
    CHECK(std::ranges::all_of(actual.bytes().first(20), [](std::uint8_t byte) { return byte == 128; }));
    CHECK(actual.bytes()[47] == 1);
    CHECK(std::ranges::count(actual.bytes(), 128) >= 58);
  });
}

TEST_CASE("layer norm in bytes is within half a step, and of the sum with a product") {
  test::Worst worst, worst_sum;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t dim : widths()) {
      if (dim == 1) continue;  // its norm is the bias alone
      GuardedFloats x("x", kThreeRows * dim, 1, 4.0);
      const GuardedFloats product("y", kThreeRows * dim, 2, 40.0), product_bias("yb", dim, 3, 1.0);
      const GuardedFloats product_scales("s", kThreeRows, 0, 0.1);
      const GuardedFloats gain("gain", dim, 1, 1.5), bias("bias", dim, 2, 0.5);
      const std::string place = fmt::format("dim {} ({})", dim, target);
      std::vector<float> normed(kThreeRows * dim);
      Quantised actual(kThreeRows, dim), twin(kThreeRows, dim);
      kernels::layer_norm_reference(x.span(), gain.span(), bias.span(), kNormEpsilon, normed);
      kernels::quantise_layer_norm(x.span(), gain.span(), bias.span(), kNormEpsilon, actual.out());
      kernels::quantise_layer_norm_reference(x.span(), gain.span(), bias.span(), kNormEpsilon, twin.out());
      worst.add(actual.worst_in_steps(normed, 128.0, 0.0), place);
      check_alike(actual, twin);

      const kernels::ScaledProduct added{product.data(), product_scales.data(), product_bias.span()};
      std::vector<float> sum(x.span().begin(), x.span().end());
      kernels::add_then_quantise_layer_norm_reference(sum, added, gain.span(), bias.span(), kNormEpsilon, twin.out());
      kernels::add_then_quantise_layer_norm(x.span(), added, gain.span(), bias.span(), kNormEpsilon, actual.out());
      kernels::layer_norm_reference(sum, gain.span(), bias.span(), kNormEpsilon, normed);
      worst_sum.add(actual.worst_in_steps(normed, 128.0, 0.0), place);
      check_alike(actual, twin);
      CHECK(test::worst_error(x.span(), sum) <= 2e-6);
      CHECK(x.ends_untouched());
    }
  });
  test::check_worst("layer norm in bytes, in steps", worst, kHalfAStep);
  test::check_worst("sum and layer norm in bytes, in steps", worst_sum, kHalfAStep);
}

TEST_CASE("adding a product with scales and bias at every size around two vectors") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t cols : widths()) {
      GuardedFloats x("x", kThreeRows * cols, 1, 4.0);
      const GuardedFloats product("y", kThreeRows * cols, 2, 40.0), scales("s", kThreeRows, 0, 0.1),
          bias("b", cols, 3, 1.0);
      const kernels::ScaledProduct added{product.data(), scales.data(), bias.span()};
      std::vector<float> expected(x.span().begin(), x.span().end());
      kernels::add_product_reference(expected, added);
      kernels::add_product(x.span(), added);
      worst.add(test::worst_error(x.span(), expected), fmt::format("{} ({})", cols, target));
      CHECK(x.ends_untouched());
    }
  });
  test::check_worst("x += product", worst, 2e-6);
}

TEST_CASE("gelu in bytes is within half a step, also of rows that are all negative") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t cols : widths()) {
      GuardedFloats product("y", kThreeRows * cols, 1, 30.0);
      for (float& value : product.span().first(cols)) value = -std::abs(value);
      const std::vector<float> scales = {0.2f, 0.1f, 0.002f};
      const std::vector<float> zeros(cols, 0.0f);
      const GuardedFloats bias("b", cols, 2, 0.01);
      const kernels::ScaledProduct input{product.data(), scales.data(), bias.span()};
      Quantised actual(kThreeRows, cols), twin(kThreeRows, cols);
      kernels::quantise_gelu(input, kThreeRows, actual.out());
      kernels::quantise_gelu_reference(input, kThreeRows, twin.out());
      std::vector<float> expected(kThreeRows * cols, 0.0f);
      kernels::add_product_reference(expected, input);
      kernels::add_bias_gelu_reference(expected, zeros);
      worst.add(actual.worst_in_steps(expected, 0.0, kernels::kGeluLowest), fmt::format("{} ({})", cols, target));
      check_alike(actual, twin);
    }
  });
  test::check_worst("gelu in bytes, in steps", worst, kHalfAStep);
}
