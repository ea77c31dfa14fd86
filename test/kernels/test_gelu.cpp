#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/gelu.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using test::GuardedFloats;

TEST_CASE("gelu equals the erf form on every value of a fine grid") {
  // -12 .. 12 in steps of 1e-5, around where anything happens.
  std::vector<float> grid(2'400'001);
  for (std::size_t i = 0; i < grid.size(); ++i) grid[i] = static_cast<float>(-12.0 + static_cast<double>(i) * 1e-5);
  const std::vector<float> no_bias = {0.0f};
  std::vector<float> expected = grid;
  kernels::add_bias_gelu_reference(expected, no_bias);
  const std::vector<float> zeros(grid.size(), 0.0f);
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    std::vector<float> actual = grid;
    kernels::add_bias_gelu(actual, zeros);
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const double error = std::abs(double{actual[i]} - double{expected[i]});
      if (error >= worst.error) worst.add(error, fmt::format("x = {} ({})", grid[i], target));
    }
  });
  test::check_worst("gelu over -12 .. 12", worst, 1e-6);
}

TEST_CASE("gelu of large and tiny numbers") {
  const std::vector<float> given = {0.0f, -0.0f, 1e-30f, -1e-30f, 20.0f, -20.0f, 1e4f, -1e4f, 3e38f, -3e38f};
  const std::vector<float> wanted = {0.0f, 0.0f, 5e-31f, -5e-31f, 20.0f, 0.0f, 1e4f, 0.0f, 3e38f, 0.0f};
  const std::vector<float> zeros(given.size(), 0.0f);
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(target);
    std::vector<float> actual = given;
    kernels::add_bias_gelu(actual, zeros);
    for (std::size_t i = 0; i < given.size(); ++i) {
      CAPTURE(given[i]);
      CHECK(std::abs(actual[i] - wanted[i]) <= 1e-6 * std::max(1.0f, std::abs(wanted[i])));
    }
  });
}

TEST_CASE("gelu with bias at every size around two vectors and odd addresses") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (std::size_t cols = 1; cols <= 40; ++cols) {
      for (const std::size_t offset : {0u, 1u, 3u}) {
        GuardedFloats x("x", 3 * cols, offset, 3.0);
        const GuardedFloats bias("bias", cols, offset + 1, 1.0);
        std::vector<float> expected(x.span().begin(), x.span().end());
        kernels::add_bias_gelu_reference(expected, bias.span());
        kernels::add_bias_gelu(x.span(), bias.span());
        worst.add(test::worst_error(x.span(), expected), fmt::format("3 x {} + {} ({})", cols, offset, target));
        CHECK(x.ends_untouched());
      }
    }
  });
  test::check_worst("gelu with bias", worst, 1e-6);
}
