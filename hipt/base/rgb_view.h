#pragma once
// RgbView: somebody else's pixels, the currency of pictures in the house.

#include <cstddef>
#include <cstdint>

namespace hipt {

// 8-bit interleaved RGB, rows top to bottom, `row_bytes` from one row to the next. Does not own.
struct RgbView {
  const std::uint8_t* data = nullptr;
  int width = 0;   // px
  int height = 0;  // px
  std::ptrdiff_t row_bytes = 0;

  const std::uint8_t* row(int y) const { return data + y * row_bytes; }
  // The rectangle with corner (x, y); it must lie inside.
  RgbView crop(int x, int y, int crop_width, int crop_height) const {
    return {row(y) + 3 * static_cast<std::ptrdiff_t>(x), crop_width, crop_height, row_bytes};
  }
};

}  // namespace hipt
