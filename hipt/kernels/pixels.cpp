#include "hipt/kernels/pixels.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/pixels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void BytesToFloats(const std::uint8_t* HWY_RESTRICT bytes, std::size_t count, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> d32;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  const std::size_t lanes = hn::Lanes(d);
  const auto center = hn::Set(d, kPixelCenter);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto wide = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, bytes + i)));
    hn::StoreU(hn::Sub(wide, center), d, out + i);
  }
  for (; i < count; ++i) out[i] = static_cast<float>(bytes[i]) - kPixelCenter;
}

void PixelsToTokens(RgbView picture, std::int64_t token_px, float* out) {
  const int px = static_cast<int>(token_px);
  const auto row_floats = static_cast<std::size_t>(3 * px);
  for (int top = 0; top < picture.height; top += px) {
    for (int left = 0; left < picture.width; left += px) {
      for (int y = top; y < top + px; ++y, out += row_floats) BytesToFloats(picture.row(y) + 3 * left, row_floats, out);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(PixelsToTokens);

void pixels_to_tokens(RgbView picture, std::int64_t token_px, float* out) {
  HWY_DYNAMIC_DISPATCH(PixelsToTokens)(picture, token_px, out);
}

}  // namespace hipt::kernels
#endif
