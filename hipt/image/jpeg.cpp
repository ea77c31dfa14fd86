#include "hipt/image/jpeg.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <turbojpeg.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"

namespace hipt::image {
namespace {

using Decoder = std::unique_ptr<void, decltype(&tjDestroy)>;

[[noreturn]] void throw_jpeg_error(const Decoder& decoder) {
  throw Error(ErrorCode::Corrupt, fmt::format("JPEG: {}", tjGetErrorStr2(decoder.get())));
}

}  // namespace

RgbImage decode_jpeg(std::span<const std::byte> bytes) {
  const Decoder decoder(tjInitDecompress(), &tjDestroy);
  if (!decoder) throw Error(ErrorCode::Internal, "libjpeg-turbo cannot be started");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, size, &width, &height, &subsampling, &colours) != 0) {
    throw_jpeg_error(decoder);
  }
  check_picture_size(width, height, static_cast<std::int64_t>(bytes.size()));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw Error(ErrorCode::Unsupported, "a CMYK JPEG; convert it to RGB");
  }
  RgbImage picture(width, height);
  constexpr int kFlags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  if (tjDecompress2(decoder.get(), data, size, picture.data(), width, 0, height, TJPF_RGB, kFlags) != 0) {
    throw_jpeg_error(decoder);
  }
  return picture;
}

RgbImage read_jpeg(const std::filesystem::path& file) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(picture_file_bytes(file)));
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!stream) throw Error(ErrorCode::Io, fmt::format("{}: reading failed", file.string()));
  return with_context(file.string(), [&] { return decode_jpeg(bytes); });
}

}  // namespace hipt::image
