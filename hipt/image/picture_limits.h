#pragma once
// How large a picture a file may claim to hold: the answer to headers that promise terabytes.

#include <cstdint>
#include <filesystem>

namespace hipt::image {

// A picture is held whole in memory, 3 bytes a pixel.
inline constexpr std::int64_t kMaxPicturePixels = 2'000'000'000;
// No codec read here packs more pixels into a byte (deflate of 1-bit pictures, the densest, about 8,300).
inline constexpr std::int64_t kMaxPixelsPerFileByte = 16384;

// Throws Corrupt for a size without pixels or beyond what `file_bytes` can hold, Unsupported for one above
// kMaxPicturePixels. The message does not name the file: the readers put it in front.
void check_picture_size(std::int64_t width, std::int64_t height, std::int64_t file_bytes);

// The length of a file in bytes. Throws NotFound or Io, naming the file.
std::int64_t picture_file_bytes(const std::filesystem::path& file);

}  // namespace hipt::image
