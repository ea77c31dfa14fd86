#pragma once
// A slide that OpenSlide reads.

#include <memory>

#include "hipt/slide/openslide_api.h"
#include "hipt/slide/slide.h"

namespace hipt::slide {

// Null when OpenSlide does not recognise the file. Throws Corrupt or Unsupported, naming the file, when it does and
// then cannot read it.
std::shared_ptr<const Slide> open_with_openslide(const OpenSlideApi& api, const std::filesystem::path& path);

// OpenSlide's pixels (premultiplied ARGB, one 32-bit word each) as RGB: alpha is divided out and dropped, as
// openslide-python's RGBA picture does when it is converted to RGB. Transparent is black.
void argb_to_rgb(const std::uint32_t* argb, std::size_t pixels, std::uint8_t* rgb);

}  // namespace hipt::slide
