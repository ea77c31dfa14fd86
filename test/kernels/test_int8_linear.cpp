#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/formula.h"
#include "hipt/kernels/int8_linear.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using kernels::ByteCode;
using test::GuardedFloats;

namespace {

// Formula bytes, the extremes among them.
std::vector<std::uint8_t> bytes(std::size_t count) {
  const Array values = formula_uniform("kernels", "bytes", {static_cast<std::int64_t>(count)}, 128.0, 200.0);
  std::vector<std::uint8_t> result(count);
  std::ranges::transform(values.as<float>(), result.begin(),
                         [](float value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f)); });
  return result;
}

// The product equals the plain loop to the last bit, on every instruction set.
void check_equal(std::size_t rows, std::size_t in, std::size_t out, ByteCode code, std::span<const float> weight) {
  const GuardedFloats bias("bias", out, 1, 1.0);
  const std::vector<std::uint8_t> x = bytes(rows * in);
  const auto int_in = static_cast<std::int64_t>(in), int_out = static_cast<std::int64_t>(out);
  const kernels::Int8LinearReference expected =
      kernels::int8_linear_reference(weight, bias.span(), int_in, int_out, code, x);
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(fmt::format("{} x {} -> {} ({})", rows, in, out, target));
    const kernels::Int8Linear linear(weight, bias.span(), int_in, int_out, code);
    kernels::Scratch scratch;
    GuardedFloats y(rows * out, 3);
    linear.apply(x.data(), static_cast<std::int64_t>(rows), y.data(), scratch);
    CHECK(test::worst_error(y.span(), expected.y) == 0.0);
    CHECK(test::worst_error(linear.bias(), expected.bias) == 0.0);
    CHECK(y.ends_untouched());
  });
}

}  // namespace

TEST_CASE("8-bit products equal the plain loop at sizes around two vectors") {
  for (const std::size_t rows : {1u, 2u, 4u, 7u, 17u}) {
    for (const std::size_t in : {1u, 3u, 16u, 31u, 33u, 65u}) {
      for (const std::size_t out : {1u, 2u, 5u, 16u, 17u, 35u}) {
        const GuardedFloats weight("w", out * in, 3, 1.0);
        check_equal(rows, in, out, ByteCode::Signed, weight.span());
        check_equal(rows, in, out, ByteCode::FromLowest, weight.span());
      }
    }
  }
}

TEST_CASE("8-bit products of the published models' shapes equal the plain loop") {
  constexpr std::size_t kRows = 13;
  const GuardedFloats weight("w", 1536 * 384, 0, 0.1);
  check_equal(kRows, 384, 1152, ByteCode::Signed, weight.span().first(384 * 1152));
  check_equal(kRows, 384, 1536, ByteCode::Signed, weight.span());
  check_equal(kRows, 1536, 384, ByteCode::FromLowest, weight.span());
}

TEST_CASE("8-bit products of the largest numbers neither saturate nor overflow") {
  // All weights 127 steps: every pair of products passes 16 bits, as oneDNN's code for AVX2 would hold it.
  constexpr std::size_t kIn = 1536, kOut = 32;
  const std::vector<float> weight(kIn * kOut, 1.0f);
  const std::vector<std::uint8_t> x(2 * kIn, 255);
  const kernels::Int8Linear linear(weight, {}, kIn, kOut, ByteCode::FromLowest);
  kernels::Scratch scratch;
  std::vector<float> y(2 * kOut);
  linear.apply(x.data(), 2, y.data(), scratch);
  for (const float value : y) CHECK(value == doctest::Approx(255.0 * kIn).epsilon(1e-6));
  CHECK(linear.bias()[0] == doctest::Approx(-0.17 * kIn).epsilon(1e-6));
}

TEST_CASE("8-bit layers: channels of zeros and inputs whose sums would leave 32 bits") {
  std::vector<float> weight(2 * 48, 0.0f);
  weight[50] = 3.0f;
  check_equal(3, 48, 2, ByteCode::Signed, weight);
  CHECK_THROWS_AS(kernels::Int8Linear(std::vector<float>(66'001), {}, 66'001, 1, ByteCode::Signed), Error);
}

TEST_CASE("one 8-bit layer gives the same bytes from many threads and in any number of rows") {
  constexpr std::int64_t kIn = 96, kOut = 80, kRows = 37;
  const GuardedFloats weight("w", kOut * kIn, 0, 1.0);
  const std::vector<std::uint8_t> x = bytes(kRows * kIn);
  const kernels::Int8Linear linear(weight.span(), {}, kIn, kOut, ByteCode::Signed);
  kernels::Scratch scratch;
  std::vector<float> first(kRows * kOut);
  linear.apply(x.data(), kRows, first.data(), scratch);
  std::vector<std::vector<float>> results(4, std::vector<float>(kRows * kOut));
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& result : results) {
      threads.emplace_back([&] {
        kernels::Scratch own;
        for (std::int64_t row = 0; row < kRows; ++row) {
          linear.apply(x.data() + row * kIn, 1, result.data() + row * kOut, own);
        }
      });
    }
  }
  for (const std::vector<float>& result : results) {
    CHECK(std::memcmp(result.data(), first.data(), first.size() * sizeof(float)) == 0);
  }
}
