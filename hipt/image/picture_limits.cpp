#include "hipt/image/picture_limits.h"

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::image {

void check_picture_size(std::int64_t width, std::int64_t height, std::int64_t file_bytes) {
  if (width <= 0 || height <= 0) {
    throw Error(ErrorCode::Corrupt, fmt::format("a picture of {} x {} pixels", width, height));
  }
  if (width > kMaxPicturePixels / height) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{} x {} pixels are more than the {} that a picture held whole in memory may have; "
                            "convert it to a tiled pyramid (e.g. vips tiffsave --tile --pyramid)",
                            width, height, kMaxPicturePixels));
  }
  if (width * height / kMaxPixelsPerFileByte > file_bytes) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("the header claims {} x {} pixels, which {} bytes cannot hold", width, height, file_bytes));
  }
}

std::int64_t picture_file_bytes(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  if (!error) return static_cast<std::int64_t>(bytes);
  if (error == std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::NotFound, fmt::format("{}: no such file", file.string()));
  }
  throw Error(ErrorCode::Io, fmt::format("{}: {}", file.string(), error.message()));
}

}  // namespace hipt::image
