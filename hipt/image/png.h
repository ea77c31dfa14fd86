#pragma once
// PNG by libpng.

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::image {

using TextChunks = std::vector<std::pair<std::string, std::string>>;  // keyword (1..79 Latin-1), UTF-8 text

// Any PNG as RGB: grey and palette expanded, 16 bit reduced to 8, alpha dropped. Throws Corrupt, naming the file.
RgbImage read_png(const std::filesystem::path& file, TextChunks* text = nullptr);
// The texts that stand before the pixels, where encode_png puts them; pixels are not looked at. Throws as read_png
// does.
TextChunks read_png_text(const std::filesystem::path& file);
// 8-bit RGB, no time stamp: bytes depend on pixels and text alone. Filter and compression are chosen for speed: on
// tissue 2.4 times that of libpng's defaults, for files a tenth larger. Throws InvalidArgument for a picture without
// pixels or a keyword that PNG does not allow.
std::vector<std::byte> encode_png(RgbView picture, const TextChunks& text = {});
// The same as a file. Throws Io too, naming the file.
void write_png(const std::filesystem::path& file, RgbView picture, const TextChunks& text = {});

}  // namespace hipt::image
