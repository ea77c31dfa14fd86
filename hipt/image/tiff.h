#pragma once
// Plain TIFF pictures by libtiff. Tiled TIFF is a slide: OpenSlide reads those.

#include <filesystem>
#include <map>
#include <string>

#include "hipt/image/image.h"

namespace hipt::image {

// "tiff.XResolution", "tiff.YResolution", "tiff.ResolutionUnit" ("inch", "centimeter", "none"),
// "tiff.ImageDescription", as OpenSlide names them; those that the file has.
using TiffTags = std::map<std::string, std::string>;

// The first page as RGB: grey, palette, YCbCr expanded, 16 bit reduced to 8, alpha dropped. Throws Corrupt, or
// Unsupported for tiles and for what libtiff cannot bring to RGB, naming the file.
RgbImage read_tiff(const std::filesystem::path& file, TiffTags* tags = nullptr);

}  // namespace hipt::image
