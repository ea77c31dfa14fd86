#include <bit>
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/array.h"
#include "hipt/base/formula.h"
#include "hipt/kernels/attention_bfloat16.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"
#include "hipt/kernels/matmul.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using kernels::AttentionSizes;
using kernels::BFloat16;
using test::GuardedFloats;

namespace {

constexpr BFloat16 kUntouched{0x1234};

// `count` numbers at an odd address and guards behind them.
struct Rounded {
  std::size_t count;
  std::vector<BFloat16> memory;

  explicit Rounded(std::size_t size) : count(size), memory(size + 33, kUntouched) {}
  BFloat16* data() { return memory.data() + 1; }
  bool ends_untouched() const {
    bool good = memory.front().bits == kUntouched.bits;
    for (std::size_t i = count + 1; i < memory.size(); ++i) good = good && memory[i].bits == kUntouched.bits;
    return good;
  }
  std::vector<float> floats() {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = to_float(data()[i]);
    return values;
  }
};

std::vector<float> rounded(std::span<const float> values) {
  std::vector<float> result;
  for (const float value : values) result.push_back(to_float(kernels::to_bfloat16(value)));
  return result;
}

struct AttentionCase {
  std::int64_t queries;
  std::int64_t keys;
  AttentionSizes sizes;
  bool scaled;
};

void check_attention(const AttentionCase& c, const std::string& target, test::Worst& worst, test::Worst& worst_weight) {
  const std::int64_t dim = c.sizes.heads * c.sizes.head_dim;
  const std::int64_t most = std::max(c.queries, c.keys);
  const GuardedFloats qkv("qkv", static_cast<std::size_t>(most * 3 * dim), 1, 2.0);
  const GuardedFloats bias("bias", static_cast<std::size_t>(3 * dim), 3, 0.5);
  const GuardedFloats scales("scales", static_cast<std::size_t>(most), 1, 1.0);
  const auto rows = [&](std::int64_t count, std::int64_t part) {
    return kernels::ScaledHeadRows{{qkv.data() + part * dim, count, 3 * dim, bias.data() + part * dim},
                                   c.scaled ? scales.data() : nullptr};
  };
  const auto out_size = static_cast<std::size_t>(c.queries * dim);
  const auto weight_size = static_cast<std::size_t>(c.sizes.heads * c.queries * c.keys);
  std::vector<float> expected(out_size), expected_weights(weight_size);
  kernels::attention_bfloat16_reference(rows(c.queries, 0), rows(c.keys, 1), rows(c.keys, 2), c.sizes, expected.data(),
                                        expected_weights.data());
  GuardedFloats out(out_size, 1), weights(weight_size, 3);
  Rounded rounded_out(out_size);
  kernels::Scratch scratch;
  kernels::attention_bfloat16(rows(c.queries, 0), rows(c.keys, 1), rows(c.keys, 2), c.sizes, out.data(), weights.data(),
                              scratch);
  kernels::attention_bfloat16(rows(c.queries, 0), rows(c.keys, 1), rows(c.keys, 2), c.sizes, rounded_out.data(),
                              nullptr, scratch);
  const std::string place = fmt::format("{} queries, {} keys, {} heads of {} ({})", c.queries, c.keys, c.sizes.heads,
                                        c.sizes.head_dim, target);
  worst.add(test::worst_error(out.span(), expected), place);
  worst_weight.add(test::worst_error(weights.span(), expected_weights), place);
  CHECK(rounded_out.floats() == rounded(out.span()));
  CHECK(out.ends_untouched());
  CHECK(weights.ends_untouched());
  CHECK(rounded_out.ends_untouched());
}

}  // namespace

TEST_CASE("bfloat16: each of its numbers is kept and each float goes to the nearest with ties to even") {
  for (std::uint32_t bits = 0; bits < 0x7f80; ++bits) {
    const BFloat16 number{static_cast<std::uint16_t>(bits)};
    CHECK(kernels::to_bfloat16(to_float(number)).bits == bits);
    // The next number above, what lies halfway between and its neighbours; the sign changes nothing.
    const float low = to_float(number);
    const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    const auto halfway = std::bit_cast<float>((bits << 16) | 0x8000u);
    CHECK(kernels::to_bfloat16(halfway).bits == even);
    CHECK(kernels::to_bfloat16(std::nextafter(halfway, 0.0f)).bits == bits);
    CHECK(kernels::to_bfloat16(std::nextafter(halfway, INFINITY)).bits == bits + 1);
    CHECK(kernels::to_bfloat16(-low).bits == (bits | 0x8000u));
  }
  CHECK(kernels::to_bfloat16(INFINITY).bits == 0x7f80);
  CHECK(std::isnan(to_float(kernels::to_bfloat16(NAN))));
}

TEST_CASE("bfloat16: rounding of many and norms and gelu that round are the float32 ones rounded") {
  kernels::Scratch scratch;
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(target);
    for (std::size_t cols = 1; cols <= 70; ++cols) {
      constexpr std::size_t kRows = 3;
      GuardedFloats x("x", kRows * cols, 1, 3.0);
      const GuardedFloats gain("gain", cols, 0, 2.0), bias("bias", cols, 3, 1.0), next("next", cols, 1, 1.0);
      Rounded out(kRows * cols);
      kernels::round_to_bfloat16(x.span(), out.data());
      CHECK(out.floats() == rounded(x.span()));

      std::vector<float> plain(x.span().begin(), x.span().end()), normed(plain.size());
      GuardedFloats other("x", kRows * cols, 1, 3.0);
      kernels::layer_norm_then_add(plain, gain.span(), bias.span(), 1e-6f, normed, next.span());
      kernels::layer_norm_then_add(other.span(), gain.span(), bias.span(), 1e-6f, std::span(out.data(), kRows * cols),
                                   next.span());
      CHECK(out.floats() == rounded(normed));
      CHECK(test::worst_error(other.span(), plain) == 0.0);

      std::vector<float> active(x.span().begin(), x.span().end());
      kernels::add_bias_gelu(active, bias.span());
      kernels::add_bias_gelu(std::as_const(x).span(), bias.span(), out.data());
      CHECK(out.floats() == rounded(active));
      CHECK(out.ends_untouched());
    }
  });
}

TEST_CASE("bfloat16: linear products equal the plain loop over rounded numbers") {
  test::Worst worst;
  kernels::Scratch scratch;
  for (const std::size_t rows : {1u, 2u, 7u, 65u}) {
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 5}, {33, 17}, {64, 48}, {384, 1152}}) {
      const double scale = std::sqrt(3.0 / static_cast<double>(in));
      const GuardedFloats x("x", rows * in, 1, 1.0), weight("w", out * in, 3, scale);
      Rounded inputs(rows * in);
      kernels::round_to_bfloat16(x.span(), inputs.data());
      const std::vector<float> left = rounded(x.span()), right = rounded(weight.span());
      const GuardedFloats before("y", rows * out, 3, 1.0);
      std::vector<float> expected(rows * out);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t o = 0; o < out; ++o) {
          double sum = before.span()[r * out + o];
          for (std::size_t i = 0; i < in; ++i) sum += double{left[r * in + i]} * double{right[o * in + i]};
          expected[r * out + o] = static_cast<float>(sum);
        }
      }
      const kernels::Bfloat16Linear linear(weight.span(), static_cast<std::int64_t>(in),
                                           static_cast<std::int64_t>(out));
      GuardedFloats y("y", rows * out, 3, 1.0);
      linear.apply(inputs.data(), static_cast<std::int64_t>(rows), y.data(), scratch, {.add = true});
      worst.add(test::worst_error(y.span(), expected), fmt::format("{} x {} -> {}", rows, in, out));
      CHECK(y.ends_untouched());
    }
  }
  test::check_worst("bf16 y += x W^T", worst, 4e-6);
}

// A share on the border between two bfloat16 may fall to either side: 2^-9 of it.
TEST_CASE("bfloat16: attention equals the plain loops with the same roundings") {
  test::Worst worst, worst_weight;
  test::for_each_simd_target([&](const std::string& target) {
    for (std::int64_t tokens = 1; tokens <= 50; ++tokens) {
      check_attention({tokens, tokens, {2, 16}, tokens % 2 == 0}, target, worst, worst_weight);
    }
    for (std::int64_t head_dim = 1; head_dim <= 40; ++head_dim) {
      check_attention({7, 9, {3, head_dim}, head_dim % 3 == 0}, target, worst, worst_weight);
    }
    check_attention({257, 257, {6, 64}, false}, target, worst, worst_weight);
    check_attention({2, 257, {6, 64}, true}, target, worst, worst_weight);
  });
  test::check_worst("bf16 attention", worst, 4e-3);
  test::check_worst("bf16 attention weights", worst_weight, 4e-6);
}
