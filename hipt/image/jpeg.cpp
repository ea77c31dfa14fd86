#include "hipt/image/jpeg.h"

#include <algorithm>
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

using Codec = std::unique_ptr<void, decltype(&tjDestroy)>;

[[noreturn]] void throw_jpeg_error(ErrorCode code, const Codec& codec) {
  throw Error(code, fmt::format("JPEG: {}", tjGetErrorStr2(codec.get())));
}

void check_encodable(RgbView picture, int quality) {
  if (quality < 1 || quality > 100) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("JPEG quality {}; it goes from 1 to 100", quality));
  }
  if (std::min(picture.width, picture.height) < 1 || std::max(picture.width, picture.height) > kMaxJpegSide) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("a JPEG cannot hold {} x {} pixels, {} a side at most; use PNG",
                                                        picture.width, picture.height, kMaxJpegSide));
  }
}

}  // namespace

RgbImage decode_jpeg(std::span<const std::byte> bytes) {
  const Codec decoder(tjInitDecompress(), &tjDestroy);
  if (!decoder) throw Error(ErrorCode::Internal, "libjpeg-turbo cannot be started");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, size, &width, &height, &subsampling, &colours) != 0) {
    throw_jpeg_error(ErrorCode::Corrupt, decoder);
  }
  check_picture_size(width, height, static_cast<std::int64_t>(bytes.size()));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw Error(ErrorCode::Unsupported, "a CMYK JPEG; convert it to RGB");
  }
  RgbImage picture(width, height);
  constexpr int kFlags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  if (tjDecompress2(decoder.get(), data, size, picture.data(), width, 0, height, TJPF_RGB, kFlags) != 0) {
    throw_jpeg_error(ErrorCode::Corrupt, decoder);
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

std::vector<std::byte> encode_jpeg(RgbView picture, int quality) {
  check_encodable(picture, quality);
  const Codec encoder(tjInitCompress(), &tjDestroy);
  if (!encoder) throw Error(ErrorCode::Internal, "libjpeg-turbo cannot be started");
  std::vector<std::byte> bytes(tjBufSize(picture.width, picture.height, TJSAMP_420));
  auto* data = reinterpret_cast<unsigned char*>(bytes.data());
  unsigned long size = bytes.size();
  constexpr int kFlags = TJFLAG_ACCURATEDCT | TJFLAG_NOREALLOC;
  if (tjCompress2(encoder.get(), picture.data, picture.width, static_cast<int>(picture.row_bytes), picture.height,
                  TJPF_RGB, &data, &size, TJSAMP_420, quality, kFlags) != 0) {
    throw_jpeg_error(ErrorCode::Internal, encoder);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace hipt::image
