#pragma once
// JPEG by libjpeg-turbo.

#include <cstddef>
#include <filesystem>
#include <span>

#include "hipt/image/image.h"

namespace hipt::image {

// Baseline or progressive, grey expanded; the accurate transform and smooth chroma upsampling, as Pillow and OpenSlide
// decode. Throws Corrupt when the data is damaged or ends early, Unsupported for CMYK.
RgbImage decode_jpeg(std::span<const std::byte> bytes);
// The same of a file, whose name stands in front of the message. Throws NotFound or Io too.
RgbImage read_jpeg(const std::filesystem::path& file);

}  // namespace hipt::image
