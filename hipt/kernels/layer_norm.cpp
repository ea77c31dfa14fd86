#include "hipt/kernels/layer_norm.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/bfloat16-inl.h"
#include "hipt/kernels/layer_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// `Number`: float or BFloat16.
template <class Number>
HWY_INLINE void NormaliseRow(const float* x, std::size_t dim, const float* HWY_RESTRICT gain,
                             const float* HWY_RESTRICT bias, float epsilon, Number* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto [mean, scale] = MomentsOfRow(x, dim, epsilon);
  const auto mean_v = hn::Set(d, mean);
  const auto scale_v = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const auto centered = hn::Mul(hn::Sub(hn::LoadU(d, x + i), mean_v), scale_v);
    StoreNumbers(hn::MulAdd(centered, hn::LoadU(d, gain + i), hn::LoadU(d, bias + i)), d, out + i);
  }
  for (; i < dim; ++i) out[i] = rounded_to<Number>((x[i] - mean) * scale * gain[i] + bias[i]);
}

void LayerNorm(const float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias, float epsilon,
               float* out) {
  for (std::size_t row = 0; row < rows; ++row) NormaliseRow(x + row * dim, dim, gain, bias, epsilon, out + row * dim);
}

template <class Number>
HWY_INLINE void NormaliseRowsThenAdd(float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias,
                                     float epsilon, Number* out, const float* HWY_RESTRICT then_add) {
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

void LayerNormThenAdd(float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias, float epsilon,
                      float* out, const float* then_add) {
  NormaliseRowsThenAdd(x, rows, dim, gain, bias, epsilon, out, then_add);
}

void LayerNormThenAddBfloat16(float* x, std::size_t rows, std::size_t dim, const float* gain, const float* bias,
                              float epsilon, BFloat16* out, const float* then_add) {
  NormaliseRowsThenAdd(x, rows, dim, gain, bias, epsilon, out, then_add);
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(LayerNorm);
HWY_EXPORT(LayerNormThenAdd);
HWY_EXPORT(LayerNormThenAddBfloat16);

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

void layer_norm_then_add(std::span<float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                         std::span<BFloat16> out, std::span<const float> then_add) {
  HWY_DYNAMIC_DISPATCH(LayerNormThenAddBfloat16)
  (x.data(), x.size() / gain.size(), gain.size(), gain.data(), bias.data(), epsilon, out.data(), then_add.data());
}

}  // namespace hipt::kernels
#endif
