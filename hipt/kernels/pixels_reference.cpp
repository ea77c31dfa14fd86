#include "hipt/kernels/pixels.h"

namespace hipt::kernels {

void pixels_to_tokens_reference(RgbView picture, std::int64_t token_px, float* out) {
  const int px = static_cast<int>(token_px);
  for (int top = 0; top < picture.height; top += px) {
    for (int left = 0; left < picture.width; left += px) {
      for (int y = top; y < top + px; ++y) {
        for (int i = 3 * left; i < 3 * (left + px); ++i) *out++ = static_cast<float>(picture.row(y)[i]) - kPixelCenter;
      }
    }
  }
}

}  // namespace hipt::kernels
