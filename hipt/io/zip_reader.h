#pragma once
// Entries of a zip archive by libarchive. Internal to hipt/io.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hipt/io/byte_file.h"

namespace hipt::io {

// The bytes of an entry: inside the mapped file when it is stored without compression, as torch stores all.
struct ZipRecord {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};
// What libarchive is given at a time. It counts a block's bytes for the CRC-32 in 32 bits, and entries may be longer.
inline constexpr std::size_t kZipBlockBytes = std::size_t{1} << 30;

using ZipRecords = std::map<std::string, ZipRecord, std::less<>>;

// The entries that `wanted` chooses by name, the folder at the front of the name ("archive/data.pkl") taken off; of two
// with one name the first. Only these are read and their CRC-32 checked. Names are never used as paths. Throws Corrupt.
ZipRecords read_zip(const std::shared_ptr<const MappedFile>& file, const std::function<bool(std::string_view)>& wanted,
                    std::size_t block_bytes = kZipBlockBytes);

}  // namespace hipt::io
