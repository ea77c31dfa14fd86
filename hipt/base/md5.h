#pragma once
// MD5 by OpenSSL's libcrypto: the checksum that download portals publish. It tells damage, not malice.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace hipt {

// 32 lower-case digits of a file's content. `on_read` is told the bytes of each piece read, and may throw to stop.
// Throws NotFound or Io, naming the file.
std::string md5_hex_of_file(const std::filesystem::path& file, const std::function<void(std::size_t)>& on_read = {});

}  // namespace hipt
