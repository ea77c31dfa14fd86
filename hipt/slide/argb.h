#pragma once
// OpenSlide's pixels as ours.

#include <cstddef>
#include <cstdint>

namespace hipt::slide {

// Premultiplied ARGB, one 32-bit word a pixel, as RGB: alpha is divided out and dropped, as openslide-python's RGBA
// picture does when it is converted to RGB. Transparent is black.
void argb_to_rgb(const std::uint32_t* argb, std::size_t pixels, std::uint8_t* rgb);

}  // namespace hipt::slide
