#pragma once
// bfloat16: the upper half of a float32, 8 bits of precision over the same range.

#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>

namespace hipt::kernels {

struct BFloat16 {
  std::uint16_t bits = 0;
};

// To the nearest, of two the even. (A NaN whose payload is nearly all ones may become another number; arithmetic makes
// none such.)
inline BFloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return {static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

inline float to_float(BFloat16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}

// `value` as Number, float or BFloat16.
template <class Number>
Number rounded_to(float value) {
  if constexpr (std::is_same_v<Number, BFloat16>) {
    return to_bfloat16(value);
  } else {
    return value;
  }
}

// out [values.size()] = values, rounded.
void round_to_bfloat16(std::span<const float> values, BFloat16* out);

// Whether this machine multiplies bfloat16 (AVX-512 BF16, AMX), as far as HIPT_CPU allows. Elsewhere the kernels that
// take it compute the same from float32 products of the rounded numbers, slower than in float32.
bool has_fast_bfloat16();

}  // namespace hipt::kernels
