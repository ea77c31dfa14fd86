#pragma once
// Plain TIFF pictures by libtiff. Tiled TIFF is a slide: OpenSlide reads those.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::image {

// "tiff.XResolution", "tiff.YResolution", "tiff.ResolutionUnit" ("inch", "centimeter", "none"),
// "tiff.ImageDescription", as OpenSlide names them; those that the file has.
using TiffTags = std::map<std::string, std::string>;

// The first page as RGB: grey, palette, YCbCr expanded, 16 bit reduced to 8, alpha dropped. Throws Corrupt, or
// Unsupported for tiles and for what libtiff cannot bring to RGB, naming the file.
RgbImage read_tiff(const std::filesystem::path& file, TiffTags* tags = nullptr);

// One page of a TIFF, tiled or not.
struct TiffPage {
  std::int64_t width = 0;        // px
  std::int64_t height = 0;       // px
  std::int64_t tile_width = 0;   // px; 0: strips
  std::int64_t tile_height = 0;  // px; 0: strips
  int compression = 1;           // the tag's value: 1 none, 5 LZW, 7 JPEG, 8 deflate, ...
};

// The pages in the order of the file, at most 10,000. Throws Corrupt, naming the file.
std::vector<TiffPage> tiff_pages(const std::filesystem::path& file);

}  // namespace hipt::image
