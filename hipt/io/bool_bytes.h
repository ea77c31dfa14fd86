#pragma once
// Files may hold any byte where a bool belongs; a C++ bool of another value than 0 and 1 has no meaning.

#include <algorithm>
#include <cstddef>
#include <span>

#include "hipt/base/array.h"

namespace hipt::io {

inline bool are_bools(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte <= std::byte{1}; });
}

// Makes every byte that is not zero a one, as NumPy reads it. Does nothing to an array of another dtype.
inline void normalise_bools(Array& array) {
  if (array.dtype() != DType::Bool) return;
  for (std::byte& byte : std::span(array.mutable_bytes(), array.byte_size())) byte = std::byte{byte != std::byte{0}};
}

}  // namespace hipt::io
