#pragma once
// Numbers as files of little-endian formats hold them. Internal to hipt/io.

#include <cstdint>
#include <string>

namespace hipt::io {

inline void append_little_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace hipt::io
