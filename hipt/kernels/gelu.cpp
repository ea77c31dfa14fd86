#include "hipt/kernels/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/gelu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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
