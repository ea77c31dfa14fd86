#pragma once

#include <span>

#include "hipt/kernels/bfloat16.h"

namespace hipt::kernels {

// Layer normalisation of each row of x [rows, gain.size()]: (x - mean) / sqrt(variance + epsilon) * gain + bias, with
// the biased variance. `out` has the size of x and may be x itself.
void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                std::span<float> out);

// The same, after which each row of x itself gains `then_add`: the bias of the layer whose product is added to x next,
// while x is in the nearest cache anyway. The second rounds what it writes, and nothing before.
void layer_norm_then_add(std::span<float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                         std::span<float> out, std::span<const float> then_add);
void layer_norm_then_add(std::span<float> x, std::span<const float> gain, std::span<const float> bias, float epsilon,
                         std::span<BFloat16> out, std::span<const float> then_add);

void layer_norm_reference(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                          float epsilon, std::span<float> out);
void layer_norm_then_add_reference(std::span<float> x, std::span<const float> gain, std::span<const float> bias,
                                   float epsilon, std::span<float> out, std::span<const float> then_add);

}  // namespace hipt::kernels
