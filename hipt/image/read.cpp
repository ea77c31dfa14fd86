#include "hipt/image/read.h"

#include <array>
#include <fstream>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/picture_limits.h"
#include "hipt/image/png.h"

namespace hipt::image {

std::string_view to_string(PictureFormat format) {
  switch (format) {
    case PictureFormat::Png:
      return "png";
    case PictureFormat::Jpeg:
      return "jpeg";
    case PictureFormat::Tiff:
      return "tiff";
  }
  throw Error(ErrorCode::Internal, "a picture format without a name");
}

std::optional<PictureFormat> picture_format(const std::filesystem::path& file) {
  picture_file_bytes(file);  // tells a missing file from an unreadable one
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorCode::Io, fmt::format("{}: cannot be opened for reading", file.string()));
  std::array<char, 8> bytes{};
  stream.read(bytes.data(), bytes.size());
  const std::string_view start(bytes.data(), static_cast<std::size_t>(stream.gcount()));

  using namespace std::string_view_literals;
  if (start == "\x89PNG\r\n\x1a\n"sv) return PictureFormat::Png;
  if (start.starts_with("\xff\xd8\xff"sv)) return PictureFormat::Jpeg;
  for (const std::string_view tiff : {"II\x2a\0"sv, "MM\0\x2a"sv, "II\x2b\0"sv, "MM\0\x2b"sv}) {  // 43: BigTIFF
    if (start.starts_with(tiff)) return PictureFormat::Tiff;
  }
  return std::nullopt;
}

RgbImage read_picture(const std::filesystem::path& file, TiffTags* tags) {
  const std::optional<PictureFormat> format = picture_format(file);
  if (!format) throw Error(ErrorCode::Unsupported, fmt::format("{}: neither PNG, JPEG nor TIFF", file.string()));
  switch (*format) {
    case PictureFormat::Png:
      return read_png(file);
    case PictureFormat::Jpeg:
      return read_jpeg(file);
    case PictureFormat::Tiff:
      return read_tiff(file, tags);
  }
  throw Error(ErrorCode::Internal, "a picture format without a reader");
}

}  // namespace hipt::image
