#pragma once

#include <cstdint>

#include "hipt/base/rgb_view.h"

namespace hipt::kernels {

// What is taken from a byte before the first product: the bytes become -127.5 .. 127.5, exact in float32.
inline constexpr float kPixelCenter = 127.5f;

// A picture cut into tokens of `token_px` x `token_px` pixels, row by row: out [tokens, token_px, token_px, 3] =
// byte - kPixelCenter. The sides are multiples of token_px.
void pixels_to_tokens(RgbView picture, std::int64_t token_px, float* out);
void pixels_to_tokens_reference(RgbView picture, std::int64_t token_px, float* out);

}  // namespace hipt::kernels
