#pragma once
// A zip archive of stored (uncompressed) entries, each starting on a 64-byte boundary as torch lays them out, so that
// readers can map them. All times are 1980-01-01, so that bytes depend on the content alone. Internal to hipt/io.
// Written by hand because libarchive neither aligns entries nor lets a CRC follow that is known only at the end.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/io/byte_file.h"

namespace hipt::io {

class ZipWriter {
 public:
  // Sizes and offsets from `zip64_from` on are written in the 64-bit form; tests make it small.
  explicit ZipWriter(const std::filesystem::path& file, std::uint64_t zip64_from = 0xffffffff);

  // An entry of `size` bytes, given in pieces.
  void begin(std::string_view name, std::uint64_t size);
  void append(std::span<const std::byte> bytes);
  void end();  // throws Internal when the pieces do not make the size

  void add(std::string_view name, std::string_view content);
  // The directory at the end.
  void close();

 private:
  struct Entry {
    std::string name;
    std::uint64_t offset = 0;  // of its local header
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
  };
  std::string directory_entry(const Entry& entry) const;

  ByteWriter file_;
  std::uint64_t zip64_from_;
  std::vector<Entry> entries_;
  std::uint64_t left_ = 0;  // bytes of the open entry still to come
};

}  // namespace hipt::io
