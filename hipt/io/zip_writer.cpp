#include "hipt/io/zip_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include "hipt/base/error.h"
#include "hipt/io/little_endian.h"

namespace hipt::io {
namespace {

constexpr std::uint64_t kZipAlignment = 64;
constexpr std::uint64_t kLocalHeaderSize = 30;
constexpr std::uint64_t kCrcOffset = 14;       // in the local header
constexpr std::uint16_t kUtf8Names = 0x0800;   // flag
constexpr std::uint16_t kDosDate = 0x0021;     // 1980-01-01
constexpr std::uint16_t kZip64Extra = 0x0001;  // id of the extra field
constexpr std::uint16_t kPadding = 0x4246;     // id of torch's padding field, "FB"
constexpr std::uint64_t kMax16 = 0xffff;
constexpr std::uint64_t kMax32 = 0xffffffff;

// Builds the little-endian structures of a zip archive.
class ZipBytes {
 public:
  ZipBytes& number(std::uint64_t value, int bytes) {
    append_little_endian(text_, value, bytes);
    return *this;
  }
  ZipBytes& u16(std::uint64_t value) { return number(value, 2); }
  ZipBytes& u32(std::uint64_t value) { return number(value, 4); }
  ZipBytes& u64(std::uint64_t value) { return number(value, 8); }
  ZipBytes& text(std::string_view value) {
    text_ += value;
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::uint16_t version_needed(bool is_zip64) {
  return is_zip64 ? 45 : 20;
}

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& file, std::uint64_t zip64_from)
    : file_(file), zip64_from_(zip64_from) {}

void ZipWriter::begin(std::string_view name, std::uint64_t size) {
  if (left_ != 0) throw Error(ErrorCode::Internal, fmt::format("zip entry {} begins within another", name));
  const bool is_zip64 = size >= zip64_from_;
  std::string extra;
  if (is_zip64) extra = ZipBytes().u16(kZip64Extra).u16(16).u64(size).u64(size).take();
  const std::uint64_t unpadded = file_.position() + kLocalHeaderSize + name.size() + extra.size() + 4;
  const std::uint64_t padding = (kZipAlignment - unpadded % kZipAlignment) % kZipAlignment;
  extra += ZipBytes().u16(kPadding).u16(padding).text(std::string(padding, 'Z')).take();

  entries_.push_back({std::string(name), file_.position(), size, static_cast<std::uint32_t>(crc32_z(0, nullptr, 0))});
  left_ = size;
  ZipBytes header;
  header.text("PK\x03\x04").u16(version_needed(is_zip64)).u16(kUtf8Names).u16(0);  // 0: stored
  header.u16(0).u16(kDosDate).u32(0);                                              // the CRC follows in end()
  header.u32(is_zip64 ? kMax32 : size).u32(is_zip64 ? kMax32 : size).u16(name.size()).u16(extra.size());
  file_.write(header.text(name).text(extra).take());
}

void ZipWriter::append(std::span<const std::byte> bytes) {
  if (bytes.size() > left_) throw Error(ErrorCode::Internal, "more bytes than the zip entry's size");
  Entry& entry = entries_.back();
  entry.crc =
      static_cast<std::uint32_t>(crc32_z(entry.crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  file_.write(bytes);
  left_ -= bytes.size();
}

void ZipWriter::end() {
  const Entry& entry = entries_.back();
  if (left_ != 0) throw Error(ErrorCode::Internal, fmt::format("zip entry {} ends {} bytes early", entry.name, left_));
  file_.patch(entry.offset + kCrcOffset, ZipBytes().u32(entry.crc).take());
}

void ZipWriter::add(std::string_view name, std::string_view content) {
  begin(name, content.size());
  append(std::as_bytes(std::span(content.data(), content.size())));
  end();
}

std::string ZipWriter::directory_entry(const Entry& entry) const {
  const bool is_zip64 = entry.size >= zip64_from_ || entry.offset >= zip64_from_;
  std::string extra;
  if (is_zip64) extra = ZipBytes().u16(kZip64Extra).u16(24).u64(entry.size).u64(entry.size).u64(entry.offset).take();
  const std::uint64_t size = is_zip64 ? kMax32 : entry.size;
  ZipBytes header;
  header.text("PK\x01\x02").u16(version_needed(is_zip64)).u16(version_needed(is_zip64)).u16(kUtf8Names).u16(0);
  header.u16(0).u16(kDosDate).u32(entry.crc).u32(size).u32(size);
  header.u16(entry.name.size()).u16(extra.size()).u16(0).u16(0).u16(0).u32(0);  // no comment, one disk, no attributes
  header.u32(is_zip64 ? kMax32 : entry.offset);
  return header.text(entry.name).text(extra).take();
}

void ZipWriter::close() {
  const std::uint64_t start = file_.position();
  for (const Entry& entry : entries_) file_.write(directory_entry(entry));
  const std::uint64_t size = file_.position() - start;
  const std::uint64_t count = entries_.size();
  const bool is_zip64 = start >= zip64_from_ || size >= zip64_from_ || count >= kMax16;
  ZipBytes tail;
  if (is_zip64) {
    tail.text("PK\x06\x06").u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count).u64(size).u64(start);
    tail.text("PK\x06\x07").u32(0).u64(start + size).u32(1);
  }
  const std::uint64_t shown_count = is_zip64 ? kMax16 : count;
  tail.text("PK\x05\x06").u16(0).u16(0).u16(shown_count).u16(shown_count);
  tail.u32(is_zip64 ? kMax32 : size).u32(is_zip64 ? kMax32 : start).u16(0);
  file_.write(tail.take());
  file_.close();
}

}  // namespace hipt::io
