#pragma once
// Text as NumPy's U-arrays hold it. Internal to hipt/io.

#include <string>
#include <string_view>

namespace hipt::io {

// Both throw Unsupported, with the place, for what is no Unicode text: bytes that are not UTF-8 (or say a character the
// long way), halves of surrogate pairs, numbers beyond U+10FFFF.
std::u32string utf32_of(std::string_view utf8);
std::string utf8_of(std::u32string_view characters);

}  // namespace hipt::io
