#include <algorithm>

#include "hipt/kernels/int8_product_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/int8_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums over n (a multiple of every vector's length) of kRows rows of x and kCols rows of w, both n numbers apart.
template <std::size_t kRows, std::size_t kCols>
HWY_INLINE void SumsOfProducts(const std::int16_t* HWY_RESTRICT x, const std::int16_t* HWY_RESTRICT w, std::size_t n,
                               std::int32_t* HWY_RESTRICT sums) {
  const hn::ScalableTag<std::int16_t> d16;
  const hn::ScalableTag<std::int32_t> d32;
  // The second sum is for targets that widen each half by itself; on others it stays zero.
  hn::Vec<decltype(d32)> sum[kRows * kCols], second[kRows * kCols];
  for (std::size_t i = 0; i < kRows * kCols; ++i) sum[i] = second[i] = hn::Zero(d32);
  for (std::size_t k = 0; k < n; k += hn::Lanes(d16)) {
    hn::Vec<decltype(d16)> column[kCols];
    for (std::size_t c = 0; c < kCols; ++c) column[c] = hn::LoadU(d16, w + c * n + k);
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto row = hn::LoadU(d16, x + r * n + k);
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::size_t i = r * kCols + c;
        sum[i] = hn::ReorderWidenMulAccumulate(d32, row, column[c], sum[i], second[i]);
      }
    }
  }
  for (std::size_t i = 0; i < kRows * kCols; ++i) {
    sums[i] = hn::GetLane(hn::SumOfLanes(d32, hn::Add(sum[i], second[i])));
  }
}

template <std::size_t kRows, std::size_t kCols>
HWY_INLINE void Tile(const std::int16_t* x, const WideWeights& weights, std::size_t first, float* y) {
  const std::size_t out = weights.scales.size();
  std::int32_t sums[kRows * kCols];
  SumsOfProducts<kRows, kCols>(x, weights.values.data() + first * weights.padded_in, weights.padded_in, sums);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kCols; ++c) {
      const std::size_t o = first + c;
      y[r * out + o] = static_cast<float>(sums[r * kCols + c] + weights.corrections[o]) * weights.scales[o];
    }
  }
}

void Widen(const std::uint8_t* x, std::size_t rows, std::size_t in, std::size_t padded, std::int16_t* HWY_RESTRICT to) {
  for (std::size_t row = 0; row < rows; ++row, x += in, to += padded) {
    std::copy_n(x, in, to);
    std::fill(to + in, to + padded, std::int16_t{0});
  }
}

void Int8Product(const std::uint8_t* x, std::size_t rows, const WideWeights& weights, std::int16_t* wide, float* y) {
  constexpr std::size_t kRows = 4, kCols = 2;
  constexpr std::size_t kBlock = 16;  // channels whose weights stay in the nearest cache for all rows
  const std::size_t out = weights.scales.size(), n = weights.padded_in;
  Widen(x, rows, weights.in, n, wide);
  for (std::size_t block = 0; block < out; block += kBlock) {
    const std::size_t end = std::min(block + kBlock, out);
    std::size_t row = 0;
    for (; row + kRows <= rows; row += kRows) {
      std::size_t o = block;
      for (; o + kCols <= end; o += kCols) Tile<kRows, kCols>(wide + row * n, weights, o, y + row * out);
      for (; o < end; ++o) Tile<kRows, 1>(wide + row * n, weights, o, y + row * out);
    }
    for (; row < rows; ++row) {
      for (std::size_t o = block; o < end; ++o) Tile<1, 1>(wide + row * n, weights, o, y + row * out);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(Int8Product);

std::size_t padded_for_int8_product(std::size_t in) {
  constexpr std::size_t kLongestVector = 64 / sizeof(std::int16_t);
  return (in + kLongestVector - 1) / kLongestVector * kLongestVector;
}

void int8_product(const std::uint8_t* x, std::size_t rows, const WideWeights& weights, std::int16_t* wide, float* y) {
  HWY_DYNAMIC_DISPATCH(Int8Product)(x, rows, weights, wide, y);
}

}  // namespace hipt::kernels
#endif
