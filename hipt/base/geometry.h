#pragma once
// Places and sizes on a slide. Level-0 coordinates have their own type, so that mixing levels does not compile.

#include <compare>
#include <cstdint>

namespace hipt {

// A point in pixels of level 0 (the finest level), the frame of every coordinate that we store. May lie outside.
struct Level0Point {
  std::int64_t x = 0;
  std::int64_t y = 0;
  auto operator<=>(const Level0Point&) const = default;
};

// Width and height in pixels of the level that the context names.
struct Size {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool operator==(const Size&) const = default;
};

// Horizontal and vertical factor of a level against level 0. They differ where a level was rounded (3.9990 x 3.9987).
struct Downsample {
  double x = 1.0;
  double y = 1.0;
  bool operator==(const Downsample&) const = default;
};

}  // namespace hipt
