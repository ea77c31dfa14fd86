#include "hipt/kernels/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// gelu(x) = max(x, 0) - |x| P(-|x|) with P the normal distribution function. log P(-a) is smooth: a polynomial of
// degree 8, fitted so that a P(-a) is right to 7e-9, then one exp. No division, and nothing cancels.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Gelu(D d, V x) {
  const V a = hn::Min(hn::Abs(x), hn::Set(d, 16.0f));  // beyond, a P(-a) is 0
  V q = hn::Set(d, -1.17168258e-06f);
  q = hn::MulAdd(q, a, hn::Set(d, 1.73862463e-05f));
  q = hn::MulAdd(q, a, hn::Set(d, -7.93386062e-05f));
  q = hn::MulAdd(q, a, hn::Set(d, -2.24125950e-04f));
  q = hn::MulAdd(q, a, hn::Set(d, 5.08311763e-03f));
  q = hn::MulAdd(q, a, hn::Set(d, -3.65387015e-02f));
  q = hn::MulAdd(q, a, hn::Set(d, -3.18234563e-01f));
  q = hn::MulAdd(q, a, hn::Set(d, -7.97897816e-01f));
  q = hn::MulAdd(q, a, hn::Set(d, -6.93146408e-01f));
  return hn::NegMulAdd(a, ExpOfNonPositive(d, q), hn::Max(x, hn::Zero(d)));
}

void AddBiasGelu(float* HWY_RESTRICT x, std::size_t rows, const float* HWY_RESTRICT bias, std::size_t cols) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t row = 0; row < rows; ++row, x += cols) {
    std::size_t c = 0;
    for (; c + lanes <= cols; c += lanes) {
      hn::StoreU(Gelu(d, hn::Add(hn::LoadU(d, x + c), hn::LoadU(d, bias + c))), d, x + c);
    }
    for (; c < cols; ++c) hn::StoreU(Gelu(one, hn::Add(hn::LoadU(one, x + c), hn::LoadU(one, bias + c))), one, x + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(AddBiasGelu);

void add_bias_gelu(std::span<float> x, std::span<const float> bias) {
  HWY_DYNAMIC_DISPATCH(AddBiasGelu)(x.data(), x.size() / bias.size(), bias.data(), bias.size());
}

}  // namespace hipt::kernels
#endif
