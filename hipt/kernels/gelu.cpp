#include "hipt/kernels/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/bfloat16-inl.h"
#include "hipt/kernels/gelu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out may be x itself.
template <class Number>
HWY_INLINE void GeluOfRows(const float* x, std::size_t rows, const float* HWY_RESTRICT bias, std::size_t cols,
                           Number* out) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t row = 0; row < rows; ++row, x += cols, out += cols) {
    std::size_t c = 0;
    for (; c + lanes <= cols; c += lanes) {
      StoreNumbers(Gelu(d, hn::Add(hn::LoadU(d, x + c), hn::LoadU(d, bias + c))), d, out + c);
    }
    for (; c < cols; ++c) {
      const auto value = Gelu(one, hn::Add(hn::LoadU(one, x + c), hn::LoadU(one, bias + c)));
      out[c] = rounded_to<Number>(hn::GetLane(value));
    }
  }
}

void AddBiasGelu(float* x, std::size_t rows, const float* bias, std::size_t cols) {
  GeluOfRows(x, rows, bias, cols, x);
}

void AddBiasGeluBfloat16(const float* x, std::size_t rows, const float* bias, std::size_t cols, BFloat16* out) {
  GeluOfRows(x, rows, bias, cols, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(AddBiasGelu);
HWY_EXPORT(AddBiasGeluBfloat16);

void add_bias_gelu(std::span<float> x, std::span<const float> bias) {
  HWY_DYNAMIC_DISPATCH(AddBiasGelu)(x.data(), x.size() / bias.size(), bias.data(), bias.size());
}

void add_bias_gelu(std::span<const float> x, std::span<const float> bias, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(AddBiasGeluBfloat16)(x.data(), x.size() / bias.size(), bias.data(), bias.size(), out);
}

}  // namespace hipt::kernels
#endif
