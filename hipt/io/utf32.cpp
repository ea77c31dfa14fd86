#include "hipt/io/utf32.h"

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

bool is_character(char32_t value) {
  return value < 0xd800 || (value > 0xdfff && value <= 0x10ffff);
}

// Bytes that follow the first of a character; -1 for a byte that starts none.
int following_bytes(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xc0 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf8 ? 3 : -1;
}

}  // namespace

std::u32string utf32_of(std::string_view utf8) {
  static constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};  // that need so many following bytes
  static constexpr unsigned char kBitsOfFirst[] = {0x7f, 0x1f, 0x0f, 0x07};
  std::u32string characters;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[at]);
    const int following = following_bytes(first);
    bool is_valid = following >= 0 && utf8.size() - at > static_cast<std::size_t>(following);
    char32_t value = is_valid ? first & kBitsOfFirst[following] : 0u;
    for (int i = 1; is_valid && i <= following; ++i) {
      const auto byte = static_cast<unsigned char>(utf8[at + static_cast<std::size_t>(i)]);
      is_valid = (byte & 0xc0) == 0x80;
      value = value << 6 | (byte & 0x3fu);
    }
    if (!is_valid || value < kLeast[following] || !is_character(value)) {
      throw Error(ErrorCode::Unsupported, fmt::format("a text that is not UTF-8 from its byte {} on", at));
    }
    characters += value;
    at += 1 + static_cast<std::size_t>(following);
  }
  return characters;
}

std::string utf8_of(std::u32string_view characters) {
  std::string utf8;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const char32_t value = characters[i];
    if (!is_character(value)) {
      throw Error(ErrorCode::Unsupported, fmt::format("a text whose character {} is none of Unicode", i));
    }
    const int following = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
    static constexpr unsigned char kMarks[] = {0, 0xc0, 0xe0, 0xf0};
    utf8 += static_cast<char>(kMarks[following] | value >> (6 * following));
    for (int shift = 6 * (following - 1); shift >= 0; shift -= 6) {
      utf8 += static_cast<char>(0x80 | (value >> shift & 0x3f));
    }
  }
  return utf8;
}

}  // namespace hipt::io
