#pragma once

#include <cstdint>
#include <span>

#include "hipt/kernels/bfloat16.h"

namespace hipt::kernels {

// x = gelu(x + bias) in place for x [rows, bias.size()]: the exact (erf) form, within 5e-7 or the rounding of x.
void add_bias_gelu(std::span<float> x, std::span<const float> bias);
// out [x.size()] = the same, rounded.
void add_bias_gelu(std::span<const float> x, std::span<const float> bias, BFloat16* out);
void add_bias_gelu_reference(std::span<float> x, std::span<const float> bias);

}  // namespace hipt::kernels
