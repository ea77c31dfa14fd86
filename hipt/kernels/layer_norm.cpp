#include "hipt/kernels/layer_norm.h"

#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sum over n elements of x - shift (kSquare: of its square). Four partial sums hide the latency of the additions.
template <bool kSquare>
HWY_INLINE float SumOfDifferences(const float* HWY_RESTRICT x, std::size_t n, float shift) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto center = hn::Set(d, shift);
  const auto add = [&](auto sum, std::size_t at) HWY_ATTR {
    const auto difference = hn::Sub(hn::LoadU(d, x + at), center);
    if constexpr (kSquare) return hn::MulAdd(difference, difference, sum);
    return hn::Add(sum, difference);
  };
  auto s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = add(s0, i);
    s1 = add(s1, i + lanes);
    s2 = add(s2, i + 2 * lanes);
    s3 = add(s3, i + 3 * lanes);
  }
  for (; i + lanes <= n; i += lanes) s0 = add(s0, i);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) sum += kSquare ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
  return sum;
}

HWY_INLINE void NormaliseRow(const float* x, std::size_t dim, const float* HWY_RESTRICT gain,
                             const float* HWY_RESTRICT bias, float epsilon, float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const float inverse = 1.0f / static_cast<float>(dim);
  const float mean = SumOfDifferences<false>(x, dim, 0.0f) * inverse;
  const float variance = SumOfDifferences<true>(x, dim, mean) * inverse;
  const float scale = 1.0f / std::sqrt(variance + epsilon);
  const auto mean_v = hn::Set(d, mean);
  const auto scale_v = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const auto centered = hn::Mul(hn::Sub(hn::LoadU(d, x + i), mean_v), scale_v);
    hn::StoreU(hn::MulAdd(centered, hn::LoadU(d, gain + i), hn::LoadU(d, bias + i)), d, out + i);
  }
  for (; i < dim; ++i) out[i] = (x[i] - mean) * scale * gain[i] + bias[i];
}

void LayerNorm(const float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias, float epsilon,
               float* out) {
  for (std::size_t row = 0; row < rows; ++row) NormaliseRow(x + row * dim, dim, gain, bias, epsilon, out + row * dim);
}

void LayerNormThenAdd(float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias, float epsilon,
                      float* out, const float* HWY_RESTRICT then_add) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t row = 0; row < rows; ++row, x += dim) {
    NormaliseRow(x, dim, gain, bias, epsilon, out + row * dim);
    std::size_t i = 0;
    for (; i + lanes <= dim; i += lanes) {
      hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, then_add + i)), d, x + i);
    }
    for (; i < dim; ++i) x[i] += then_add[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(LayerNorm);
HWY_EXPORT(LayerNormThenAdd);

void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(LayerNorm)
  (x.data(), x.size() / gain.size(), gain.size(), gain.data(), bias.data(), epsilon, out.data());
}

void layer_norm_then_add(std::span<float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                         std::span<float> out, std::span<const float> then_add) {
  HWY_DYNAMIC_DISPATCH(LayerNormThenAdd)
  (x.data(), x.size() / gain.size(), gain.size(), gain.data(), bias.data(), epsilon, out.data(), then_add.data());
}

}  // namespace hipt::kernels
#endif
