#pragma once

#include <span>

namespace hipt::kernels {

// Layer normalisation of each row of x [rows, gain.size()]: (x - mean) / sqrt(variance + epsilon) * gain + bias, with
// the biased variance. `out` has the size of x and may be x itself.
void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                std::span<float> out);
void layer_norm_reference(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                          float epsilon, std::span<float> out);

}  // namespace hipt::kernels
