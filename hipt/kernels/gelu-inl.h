// GELU, for the kernels of this folder that end in it. Included once per instruction set by their .cpp files, in the
// manner of Highway.

#if defined(HIPT_KERNELS_GELU_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HIPT_KERNELS_GELU_INL_H
#undef HIPT_KERNELS_GELU_INL_H
#else
#define HIPT_KERNELS_GELU_INL_H
#endif

#include <hwy/highway.h>

#include "hipt/kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {

// gelu(x) = max(x, 0) - |x| P(-|x|) with P the normal distribution function. log P(-a) is smooth: a polynomial of
// degree 8, fitted so that a P(-a) is right to 7e-9, then one exp. No division, and nothing cancels.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V Gelu(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
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

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
