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
using ZipRecords = std::map<std::string, ZipRecord, std::less<>>;

// The entries that `wanted` chooses by name, the folder at the front of the name ("archive/data.pkl") taken off; of two
// with one name the first. Only these are read and their CRC-32 checked. Names are never used as paths. Throws Corrupt.
ZipRecords read_zip(const std::shared_ptr<const MappedFile>& file, const std::function<bool(std::string_view)>& wanted);

}  // namespace hipt::io
