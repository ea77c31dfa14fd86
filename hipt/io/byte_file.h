#pragma once
// Files as plain bytes: mapped for reading, written in order with the option of patching what was written before.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace hipt::io {

// A whole regular file mapped read-only. A file that another program shortens while it is mapped ends the process
// (SIGBUS), as with any reader that maps: copy what must outlive the call.
class MappedFile {
 public:
  // Throws NotFound or Io, naming the file. An empty file gives no bytes.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  // `part` of bytes(), from the start of a page, is not needed soon: its memory is given back, and read again when it
  // is touched.
  void forget(std::span<const std::byte> part) const;

 private:
  explicit MappedFile(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Creates or empties a file and writes it from front to back. Every failure throws Io with the system's reason.
class ByteWriter {
 public:
  explicit ByteWriter(const std::filesystem::path& file);
  ~ByteWriter();  // closes without reporting: call close()
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  // Overwrites bytes written before; the end does not move.
  void patch(std::uint64_t offset, std::string_view text);
  std::uint64_t position() const { return position_; }
  void close();

 private:
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t position_ = 0;
};

}  // namespace hipt::io
