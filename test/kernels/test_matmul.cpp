#include <cmath>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/matmul.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using test::GuardedFloats;

namespace {

std::vector<float> product(std::span<const float> x, std::span<const float> weight, std::size_t rows, std::size_t in,
                           std::size_t out) {
  std::vector<float> y(rows * out);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < out; ++o) {
      double sum = 0.0;
      for (std::size_t i = 0; i < in; ++i) sum += double{x[r * in + i]} * double{weight[o * in + i]};
      y[r * out + o] = static_cast<float>(sum);
    }
  }
  return y;
}

}  // namespace

TEST_CASE("linear products equal the plain loop at sizes around two vectors") {
  test::Worst worst, worst_added;
  kernels::Scratch scratch;
  for (const std::size_t rows : {1u, 2u, 3u, 6u, 7u, 17u}) {
    for (const std::size_t in : {1u, 3u, 8u, 15u, 17u, 33u}) {
      for (const std::size_t out : {1u, 5u, 8u, 15u, 16u, 17u, 48u}) {
        const GuardedFloats x("x", rows * in, 1, 1.0), weight("w", out * in, 3, 1.0);
        const std::vector<float> expected = product(x.span(), weight.span(), rows, in, out);
        const kernels::Linear linear(weight.span(), static_cast<std::int64_t>(in), static_cast<std::int64_t>(out));
        const std::string place = fmt::format("{} x {} -> {}", rows, in, out);
        GuardedFloats y(rows * out, 1);
        linear.apply(x.data(), static_cast<std::int64_t>(rows), y.data(), scratch);
        worst.add(test::worst_error(y.span(), expected), place);
        GuardedFloats added("y", rows * out, 3, 1.0);
        std::vector<float> expected_sum(added.span().begin(), added.span().end());
        for (std::size_t i = 0; i < expected.size(); ++i) expected_sum[i] += expected[i];
        linear.apply(x.data(), static_cast<std::int64_t>(rows), added.data(), scratch, {.add = true});
        worst_added.add(test::worst_error(added.span(), expected_sum), place);
        CHECK(y.ends_untouched());
        CHECK(added.ends_untouched());
      }
    }
  }
  test::check_worst("x W^T", worst, 4e-6);
  test::check_worst("y += x W^T", worst_added, 4e-6);
}

TEST_CASE("linear products of the published models' shapes equal the plain loop") {
  test::Worst worst;
  kernels::Scratch scratch;
  for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{768, 384}, {384, 1152}, {1536, 384}}) {
    constexpr std::size_t kRows = 65;
    const GuardedFloats x("x", kRows * in, 0, 1.0), weight("w", out * in, 0, std::sqrt(3.0 / static_cast<double>(in)));
    const kernels::Linear linear(weight.span(), static_cast<std::int64_t>(in), static_cast<std::int64_t>(out));
    std::vector<float> y(kRows * out);
    linear.apply(x.data(), kRows, y.data(), scratch);
    worst.add(test::worst_error(y, product(x.span(), weight.span(), kRows, in, out)), fmt::format("{} -> {}", in, out));
  }
  test::check_worst("x W^T, published shapes", worst, 4e-6);
}

TEST_CASE("one linear layer gives the same bytes from many threads and after many other sizes") {
  constexpr std::int64_t kIn = 64, kOut = 96, kRows = 257;
  const GuardedFloats x("x", kRows * kIn, 0, 1.0), weight("w", kOut * kIn, 0, 1.0);
  const kernels::Linear linear(weight.span(), kIn, kOut);
  kernels::Scratch scratch;
  std::vector<float> first(kRows * kOut);
  linear.apply(x.data(), kRows, first.data(), scratch);
  std::vector<std::vector<float>> results(4, std::vector<float>(kRows * kOut));
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& result : results) {
      threads.emplace_back([&] {
        kernels::Scratch own;
        for (std::int64_t rows = 1; rows < 40; ++rows) linear.apply(x.data(), rows, result.data(), own);
        linear.apply(x.data(), kRows, result.data(), own);
      });
    }
  }
  for (const std::vector<float>& result : results) {
    CHECK(std::memcmp(result.data(), first.data(), first.size() * sizeof(float)) == 0);
  }
}
