#pragma once
// Any picture file, recognised by its first bytes, not by its name.

#include <filesystem>
#include <optional>
#include <string_view>

#include "hipt/image/image.h"
#include "hipt/image/tiff.h"

namespace hipt::image {

enum class PictureFormat { Png, Jpeg, Tiff };

std::string_view to_string(PictureFormat format);  // "png", "jpeg", "tiff"

// By magic number; nothing when it is none of them. Throws NotFound or Io, naming the file.
std::optional<PictureFormat> picture_format(const std::filesystem::path& file);

// As RGB. `tags` receives what a TIFF says about itself. Throws Unsupported when the format is not known, else what the
// reader of the format throws; the file's name stands in front.
RgbImage read_picture(const std::filesystem::path& file, TiffTags* tags = nullptr);

}  // namespace hipt::image
