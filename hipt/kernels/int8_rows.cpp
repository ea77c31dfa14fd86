#include "hipt/kernels/int8_rows.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/int8_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/gelu-inl.h"
#include "hipt/kernels/layer_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls step(tag, i) for vectors that cover 0 .. n, then for the single numbers that are left.
template <class Step>
HWY_INLINE void ForVectors(std::size_t n, Step&& step) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(d, i);
  for (; i < n; ++i) step(one, i);
}

// Largest value(tag, i), not below `least`.
template <class Value>
HWY_INLINE float LargestOf(std::size_t n, float least, Value&& value) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  auto vector = hn::Set(d, least);
  auto single = hn::Set(one, least);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) vector = hn::Max(vector, value(d, i));
  for (; i < n; ++i) single = hn::Max(single, value(one, i));
  return std::max(hn::GetLane(hn::MaxOfLanes(d, vector)), hn::GetLane(single));
}

// bytes[i .. ] = nearest of x * steps + zero.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreBytes(D d, V x, float steps, float zero, std::uint8_t* HWY_RESTRICT bytes) {
  const hn::Rebind<std::uint8_t, D> d8;
  const auto code = hn::NearestInt(hn::MulAdd(x, hn::Set(d, steps), hn::Set(d, zero)));
  hn::StoreU(hn::DemoteTo(d8, code), d8, bytes);
}

// Signed: value(tag, i) is asked for twice, which costs less than a row in memory.
template <class Value>
HWY_INLINE void QuantiseRow(std::size_t n, Value&& value, std::uint8_t* HWY_RESTRICT bytes, float* scale) {
  constexpr float kSmallest = 1e-30f;  // whose inverse is finite; rows below are zeros
  const float largest = LargestOf(n, 0.0f, [&](auto d, std::size_t i) HWY_ATTR { return hn::Abs(value(d, i)); });
  *scale = largest < kSmallest ? 0.0f : largest / 127.0f;
  const float steps = largest < kSmallest ? 0.0f : 127.0f / largest;
  ForVectors(n, [&](auto d, std::size_t i) HWY_ATTR { StoreBytes(d, value(d, i), steps, 128.0f, bytes + i); });
}

HWY_INLINE void AddRow(float* HWY_RESTRICT x, std::size_t n, const float* HWY_RESTRICT product, float scale,
                       const float* HWY_RESTRICT bias) {
  ForVectors(n, [&](auto d, std::size_t i) HWY_ATTR {
    const auto added = hn::MulAdd(hn::LoadU(d, product + i), hn::Set(d, scale), hn::LoadU(d, bias + i));
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), added), d, x + i);
  });
}

void AddProduct(float* x, std::size_t rows, std::size_t cols, const float* product, const float* scales,
                const float* bias) {
  for (std::size_t row = 0; row < rows; ++row) AddRow(x + row * cols, cols, product + row * cols, scales[row], bias);
}

void QuantiseRows(const float* x, std::size_t rows, std::size_t cols, std::uint8_t* bytes, float* scales) {
  for (std::size_t row = 0; row < rows; ++row, x += cols) {
    QuantiseRow(
        cols, [&](auto d, std::size_t i) HWY_ATTR { return hn::LoadU(d, x + i); }, bytes + row * cols, scales + row);
  }
}

HWY_INLINE void QuantiseNormOfRow(const float* HWY_RESTRICT x, std::size_t dim, const float* HWY_RESTRICT gain,
                                  const float* HWY_RESTRICT bias, float epsilon, std::uint8_t* HWY_RESTRICT bytes,
                                  float* scale) {
  const RowMoments moments = MomentsOfRow(x, dim, epsilon);
  const auto normed = [&](auto d, std::size_t i) HWY_ATTR {
    const auto centered = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, moments.mean)), hn::Set(d, moments.scale));
    return hn::MulAdd(centered, hn::LoadU(d, gain + i), hn::LoadU(d, bias + i));
  };
  QuantiseRow(dim, normed, bytes, scale);
}

void QuantiseLayerNorm(const float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias,
                       float epsilon, std::uint8_t* bytes, float* scales) {
  for (std::size_t row = 0; row < rows; ++row) {
    QuantiseNormOfRow(x + row * dim, dim, gain, bias, epsilon, bytes + row * dim, scales + row);
  }
}

void AddThenQuantiseLayerNorm(float* x, std::size_t rows, std::size_t dim, const float* product,
                              const float* product_scales, const float* product_bias, const float* gain,
                              const float* bias, float epsilon, std::uint8_t* bytes, float* scales) {
  for (std::size_t row = 0; row < rows; ++row, x += dim) {
    AddRow(x, dim, product + row * dim, product_scales[row], product_bias);
    QuantiseNormOfRow(x, dim, gain, bias, epsilon, bytes + row * dim, scales + row);
  }
}

void QuantiseGelu(const float* product, std::size_t rows, std::size_t cols, const float* product_scales,
                  const float* bias, std::uint8_t* bytes, float* scales) {
  const hn::CappedTag<float, 1> one;
  for (std::size_t row = 0; row < rows; ++row, product += cols, bytes += cols) {
    const auto input = [&](auto d, std::size_t i) HWY_ATTR {
      return hn::MulAdd(hn::LoadU(d, product + i), hn::Set(d, product_scales[row]), hn::LoadU(d, bias + i));
    };
    // GELU grows with its input above 0, so the largest input gives the largest output.
    const float largest = hn::GetLane(Gelu(one, hn::Set(one, LargestOf(cols, 0.0f, input))));
    scales[row] = (largest - kGeluLowest) / 255.0f;
    const float steps = 255.0f / (largest - kGeluLowest);
    const float zero = -kGeluLowest * steps;
    ForVectors(cols,
               [&](auto d, std::size_t i) HWY_ATTR { StoreBytes(d, Gelu(d, input(d, i)), steps, zero, bytes + i); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(AddProduct);
HWY_EXPORT(QuantiseRows);
HWY_EXPORT(QuantiseLayerNorm);
HWY_EXPORT(AddThenQuantiseLayerNorm);
HWY_EXPORT(QuantiseGelu);

void add_product(std::span<float> x, const ScaledProduct& product) {
  const std::size_t cols = product.bias.size();
  HWY_DYNAMIC_DISPATCH(AddProduct)
  (x.data(), x.size() / cols, cols, product.data, product.scales, product.bias.data());
}

void quantise_rows(std::span<const float> x, std::int64_t cols, ByteRows out) {
  const auto width = static_cast<std::size_t>(cols);
  HWY_DYNAMIC_DISPATCH(QuantiseRows)(x.data(), x.size() / width, width, out.bytes, out.scales);
}

void quantise_layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                         float epsilon, ByteRows out) {
  HWY_DYNAMIC_DISPATCH(QuantiseLayerNorm)
  (x.data(), x.size() / gain.size(), gain.size(), gain.data(), bias.data(), epsilon, out.bytes, out.scales);
}

void add_then_quantise_layer_norm(std::span<float> x, const ScaledProduct& product, std::span<const float> gain,
                                  std::span<const float> bias, float epsilon, ByteRows out) {
  HWY_DYNAMIC_DISPATCH(AddThenQuantiseLayerNorm)
  (x.data(), x.size() / gain.size(), gain.size(), product.data, product.scales, product.bias.data(), gain.data(),
   bias.data(), epsilon, out.bytes, out.scales);
}

void quantise_gelu(const ScaledProduct& product, std::int64_t rows, ByteRows out) {
  HWY_DYNAMIC_DISPATCH(QuantiseGelu)
  (product.data, static_cast<std::size_t>(rows), product.bias.size(), product.scales, product.bias.data(), out.bytes,
   out.scales);
}

}  // namespace hipt::kernels
#endif
