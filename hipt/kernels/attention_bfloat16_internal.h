#pragma once
// The innermost product of attention_bfloat16 for AVX-512 BF16. Internal to hipt/kernels.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hipt/kernels/bfloat16.h"

namespace hipt::kernels {

// What is summed over stands in words of two bfloat16, the first in the lower half.
inline std::uint32_t bfloat16_word(const BFloat16* two) {
  std::uint32_t word;
  std::memcpy(&word, two, sizeof(word));
  return word;
}

// c [rows, 32] = a [rows, 2 * depth] times panel [depth words, 32]; rows of a and c are so many numbers apart. At most
// kBfloat16TileRows rows.
inline constexpr std::size_t kBfloat16TileRows = 6;
void bfloat16_tile_avx512(const BFloat16* a, std::size_t rows, std::size_t a_stride, const std::uint32_t* panel,
                          std::size_t depth, float* c, std::size_t c_stride);

}  // namespace hipt::kernels
