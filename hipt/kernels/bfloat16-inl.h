// Vectors of floats to memory of floats or of bfloat16, for the kernels of this folder. Included once per instruction
// set by their .cpp files, in the manner of Highway.

#if defined(HIPT_KERNELS_BFLOAT16_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HIPT_KERNELS_BFLOAT16_INL_H
#undef HIPT_KERNELS_BFLOAT16_INL_H
#else
#define HIPT_KERNELS_BFLOAT16_INL_H
#endif

#include <hwy/highway.h>

#include "hipt/kernels/bfloat16.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {

// The bits of v rounded to bfloat16, in the lower halves of 32-bit lanes; the upper halves are 0.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::RebindToUnsigned<D>> Bfloat16Bits(D, V v) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  return hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff))));
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE void StoreNumbers(V v, D d, float* to) {
  hwy::HWY_NAMESPACE::StoreU(v, d, to);
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE void StoreNumbers(V v, D d, BFloat16* to) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint16_t, D> d16;
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, Bfloat16Bits(d, v))), d16, &to->bits);
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
