// exp for arguments that are not positive, for the kernels of this folder (softmax, GELU). Included once per
// instruction set by their .cpp files, in the manner of Highway.

#if defined(HIPT_KERNELS_EXP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HIPT_KERNELS_EXP_INL_H
#undef HIPT_KERNELS_EXP_INL_H
#else
#define HIPT_KERNELS_EXP_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {

// exp(x) for x <= 0 with a relative error below 3e-7. Below -87 it stays at exp(-87) = 1.6e-38.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V ExpOfNonPositive(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const V lowest = hn::Set(d, -87.0f);
  const V log2_e = hn::Set(d, 1.44269504f);
  // Adding 1.5 * 2^23 rounds to an integer n, which then stands in the low bits.
  const V round = hn::Set(d, 12582912.0f);
  // ln 2 in two parts, the first with few enough bits for n times it to be exact.
  const V ln2_high = hn::Set(d, 0.693359375f);
  const V ln2_low = hn::Set(d, -2.12194440e-4f);

  x = hn::Max(x, lowest);
  const V shifted = hn::MulAdd(x, log2_e, round);
  const V n = hn::Sub(shifted, round);
  const V r = hn::NegMulAdd(n, ln2_low, hn::NegMulAdd(n, ln2_high, x));  // within ln 2 / 2 of 0
  // Minimax polynomial of exp on that range, first two terms exact.
  V p = hn::Set(d, 0.00138145545f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.00836870912f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.0416683890f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.166665211f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.499999940f));
  p = hn::MulAdd(hn::Mul(p, r), r, hn::Add(r, hn::Set(d, 1.0f)));
  // times 2^n: n added to the exponent.
  return hn::BitCast(d, hn::Add(hn::BitCast(du, p), hn::ShiftLeft<23>(hn::BitCast(du, shifted))));
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
