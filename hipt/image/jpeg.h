#pragma once
// JPEG by libjpeg-turbo.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::image {

// Baseline or progressive, grey expanded; the accurate transform and smooth chroma upsampling, as Pillow and OpenSlide
// decode. Throws Corrupt when the data is damaged or ends early, Unsupported for CMYK.
RgbImage decode_jpeg(std::span<const std::byte> bytes);
// The same of a file, whose name stands in front of the message. Throws NotFound or Io too.
RgbImage read_jpeg(const std::filesystem::path& file);

inline constexpr int kMaxJpegSide = 65500;             // px, libjpeg's limit
inline constexpr std::size_t kMaxJpegComment = 65533;  // bytes
// Baseline JPEG with 4:2:0 chroma, byte for byte as Pillow writes it by default, and a comment after the header when
// there is one. Throws InvalidArgument for a quality outside 1 .. 100, a side outside 1 .. kMaxJpegSide or a longer
// comment.
std::vector<std::byte> encode_jpeg(RgbView picture, int quality, std::string_view comment = {});
// The first comment that stands before the pixels. Throws NotFound or Io, and Corrupt when it is no JPEG, naming the
// file.
std::optional<std::string> read_jpeg_comment(const std::filesystem::path& file);

}  // namespace hipt::image
