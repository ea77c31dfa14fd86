#pragma once
// JPEG by libjpeg-turbo.

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::image {

// Baseline or progressive, grey expanded; the accurate transform and smooth chroma upsampling, as Pillow and OpenSlide
// decode. Throws Corrupt when the data is damaged or ends early, Unsupported for CMYK.
RgbImage decode_jpeg(std::span<const std::byte> bytes);
// The same of a file, whose name stands in front of the message. Throws NotFound or Io too.
RgbImage read_jpeg(const std::filesystem::path& file);

// Baseline JPEG with 4:2:0 chroma, byte for byte as Pillow writes it by default: bytes depend on pixels and quality
// alone. Throws InvalidArgument for a quality outside 1 .. 100 or a side outside 1 .. kMaxJpegSide.
inline constexpr int kMaxJpegSide = 65500;  // px, libjpeg's limit
std::vector<std::byte> encode_jpeg(RgbView picture, int quality);

}  // namespace hipt::image
