#pragma once
// The product of Int8Linear where no instruction multiplies bytes: 16-bit products, which every machine sums exactly.
// Internal to hipt/kernels.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hipt::kernels {

// Weights [out, padded_in] and their scales; zeros fill the rows up.
struct WideWeights {
  std::size_t in = 0;
  std::size_t padded_in = 0;
  std::vector<std::int16_t> values;
  std::vector<std::int32_t> corrections;  // [out], added to each sum
  std::vector<float> scales;              // [out]
};

// `in` rounded up to what int8_product takes.
std::size_t padded_for_int8_product(std::size_t in);

// y [rows, out] = (x W^T + corrections) * scales. `wide` has room for [rows, padded_in].
void int8_product(const std::uint8_t* x, std::size_t rows, const WideWeights& weights, std::int16_t* wide, float* y);

}  // namespace hipt::kernels
