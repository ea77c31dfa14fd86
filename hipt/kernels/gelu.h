#pragma once

#include <cstdint>
#include <span>

namespace hipt::kernels {

// x = gelu(x + bias) in place for x [rows, bias.size()]: the exact (erf) form, within 5e-7 or the rounding of x.
void add_bias_gelu(std::span<float> x, std::span<const float> bias);
void add_bias_gelu_reference(std::span<float> x, std::span<const float> bias);

}  // namespace hipt::kernels
