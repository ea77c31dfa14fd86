#include "hipt/kernels/bfloat16.h"

#include <cstddef>

#include <oneapi/dnnl/dnnl.hpp>

#include "hipt/kernels/instruction_set.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/bfloat16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/bfloat16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void RoundToBfloat16(const float* HWY_RESTRICT values, std::size_t count, BFloat16* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) StoreNumbers(hn::LoadU(d, values + i), d, out + i);
  for (; i < count; ++i) out[i] = to_bfloat16(values[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(RoundToBfloat16);

void round_to_bfloat16(std::span<const float> values, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(RoundToBfloat16)(values.data(), values.size(), out);
}

bool has_fast_bfloat16() {
  forced_instruction_set();
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

}  // namespace hipt::kernels
#endif
