#include "hipt/slide/argb.h"

namespace hipt::slide {

void argb_to_rgb(const std::uint32_t* argb, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < pixels; ++i, rgb += 3) {
    const std::uint32_t pixel = argb[i];
    const std::uint32_t alpha = pixel >> 24;
    std::uint32_t red = (pixel >> 16) & 0xFF;
    std::uint32_t green = (pixel >> 8) & 0xFF;
    std::uint32_t blue = pixel & 0xFF;
    if (alpha != 0xFF && alpha != 0) {
      red = 255 * red / alpha;
      green = 255 * green / alpha;
      blue = 255 * blue / alpha;
    }
    rgb[0] = static_cast<std::uint8_t>(red);
    rgb[1] = static_cast<std::uint8_t>(green);
    rgb[2] = static_cast<std::uint8_t>(blue);
  }
}

}  // namespace hipt::slide
