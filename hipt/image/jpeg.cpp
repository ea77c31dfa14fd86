#include "hipt/image/jpeg.h"

#include <algorithm>
#include <array>
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

void check_encodable(RgbView picture, int quality, std::string_view comment) {
  if (comment.size() > kMaxJpegComment) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("a JPEG comment of {} bytes; {} are the most", comment.size(), kMaxJpegComment));
  }
  if (quality < 1 || quality > 100) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("JPEG quality {}; it goes from 1 to 100", quality));
  }
  if (std::min(picture.width, picture.height) < 1 || std::max(picture.width, picture.height) > kMaxJpegSide) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("a JPEG cannot hold {} x {} pixels, {} a side at most; use PNG",
                                                        picture.width, picture.height, kMaxJpegSide));
  }
}

// A JPEG begins with two bytes "start of image", then segments: FF, kind, length (big-endian, itself included).
constexpr int kComment = 0xFE;
constexpr int kStartOfScan = 0xDA;
constexpr std::size_t kSegmentHeader = 4;

std::size_t segment_bytes(const std::byte* length) {
  return (std::to_integer<std::size_t>(length[0]) << 8) + std::to_integer<std::size_t>(length[1]);
}

// After the JFIF header, where Pillow puts it.
void insert_comment(std::vector<std::byte>& jpeg, std::string_view comment) {
  const std::size_t header_end = 2 + 2 + segment_bytes(jpeg.data() + 4);
  const std::size_t length = comment.size() + 2;
  std::vector<std::byte> segment = {std::byte{0xFF}, std::byte{kComment}, std::byte(length >> 8),
                                    std::byte(length & 0xFF)};
  const auto text = std::as_bytes(std::span(comment.data(), comment.size()));
  segment.insert(segment.end(), text.begin(), text.end());
  jpeg.insert(jpeg.begin() + static_cast<std::ptrdiff_t>(header_end), segment.begin(), segment.end());
}

// The content of the next segment; its kind is 0 at the end of the file or where no segment is.
struct Segment {
  int kind = 0;
  std::string content;
};

Segment read_segment(std::istream& stream) {
  std::array<char, kSegmentHeader> header{};
  if (!stream.read(header.data(), header.size()) || header[0] != '\xFF') return {};
  const std::size_t bytes = segment_bytes(reinterpret_cast<const std::byte*>(header.data() + 2));
  Segment segment{static_cast<unsigned char>(header[1]), std::string(bytes < 2 ? 0 : bytes - 2, '\0')};
  if (bytes < 2 || !stream.read(segment.content.data(), static_cast<std::streamsize>(bytes - 2))) return {};
  return segment;
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

std::vector<std::byte> encode_jpeg(RgbView picture, int quality, std::string_view comment) {
  check_encodable(picture, quality, comment);
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
  if (!comment.empty()) insert_comment(bytes, comment);
  return bytes;
}

std::optional<std::string> read_jpeg_comment(const std::filesystem::path& file) {
  picture_file_bytes(file);  // NotFound
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 2> start{};
  if (!stream.read(start.data(), start.size()) || start != std::array{'\xFF', '\xD8'}) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: not a JPEG", file.string()));
  }
  for (Segment segment = read_segment(stream); segment.kind != 0; segment = read_segment(stream)) {
    if (segment.kind == kComment) return std::move(segment.content);
    if (segment.kind == kStartOfScan) break;
  }
  return std::nullopt;
}

}  // namespace hipt::image
