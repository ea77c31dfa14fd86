// Apart from attention_bfloat16.cpp because Highway 1.0 has no target with AVX-512 BF16.

#include "hipt/kernels/attention_bfloat16_internal.h"

#if defined(__x86_64__)
#include <iterator>

#include <immintrin.h>

#define HIPT_AVX512_BF16 __attribute__((target("avx512f,avx512bf16")))

namespace hipt::kernels {
namespace {

template <std::size_t kRows>
HIPT_AVX512_BF16 void tile(const BFloat16* a, std::size_t a_stride, const std::uint32_t* panel, std::size_t depth,
                           float* c, std::size_t c_stride) {
  constexpr std::size_t kLanes = 16;
  __m512 sums[kRows][2];
  for (std::size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  for (std::size_t k = 0; k < depth; ++k, panel += 2 * kLanes) {
    const auto left = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel));
    const auto right = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + kLanes));
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto value =
          reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(bfloat16_word(a + r * a_stride + 2 * k))));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], value, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], value, right);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(c + r * c_stride, sums[r][0]);
    _mm512_storeu_ps(c + r * c_stride + kLanes, sums[r][1]);
  }
}

}  // namespace

void bfloat16_tile_avx512(const BFloat16* a, std::size_t rows, std::size_t a_stride, const std::uint32_t* panel,
                          std::size_t depth, float* c, std::size_t c_stride) {
  static constexpr decltype(&tile<1>) kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};
  static_assert(std::size(kTiles) == kBfloat16TileRows);
  kTiles[rows - 1](a, a_stride, panel, depth, c, c_stride);
}

}  // namespace hipt::kernels
#endif
