// Mean and deviation of a row, for the kernels of this folder that normalise. Included once per instruction set by
// their .cpp files, in the manner of Highway.

#if defined(HIPT_KERNELS_LAYER_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HIPT_KERNELS_LAYER_NORM_INL_H
#undef HIPT_KERNELS_LAYER_NORM_INL_H
#else
#define HIPT_KERNELS_LAYER_NORM_INL_H
#endif

#include <cmath>
#include <cstddef>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {

// Sum over n elements of x - shift (kSquare: of its square). Four partial sums hide the latency of the additions.
template <bool kSquare>
HWY_INLINE float SumOfDifferences(const float* HWY_RESTRICT x, std::size_t n, float shift) {
  namespace hn = hwy::HWY_NAMESPACE;
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

struct RowMoments {
  float mean;
  float scale;  // 1 / sqrt(variance + epsilon), with the biased variance
};

HWY_INLINE RowMoments MomentsOfRow(const float* HWY_RESTRICT x, std::size_t dim, float epsilon) {
  const float inverse = 1.0f / static_cast<float>(dim);
  const float mean = SumOfDifferences<false>(x, dim, 0.0f) * inverse;
  const float variance = SumOfDifferences<true>(x, dim, mean) * inverse;
  return {mean, 1.0f / std::sqrt(variance + epsilon)};
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
