#pragma once
// The opcodes of a pickle that hipt reads and writes, and what both of its writers append. Internal to hipt/io.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "hipt/io/little_endian.h"

namespace hipt::io {

// By their names in Python's pickletools.
enum PickleOpcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kBinFloat = 'G',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kNewObj = 0x81,
  kNewObjEx = 0x92,
  kBinPersId = 'Q',
  kProto = 0x80,
  kFrame = 0x95,
};

inline void append_opcodes(std::string& out, std::initializer_list<std::uint8_t> codes) {
  for (const std::uint8_t code : codes) out += static_cast<char>(code);
}
inline void append_text(std::string& out, std::string_view utf8) {
  append_opcodes(out, {kBinUnicode});
  append_little_endian(out, utf8.size(), 4);
  out += utf8;
}
// A class or function.
inline void append_global(std::string& out, std::string_view module, std::string_view name) {
  append_opcodes(out, {kGlobal});
  out += module;
  out += '\n';
  out += name;
  out += '\n';
}

}  // namespace hipt::io
