#pragma once
// Point in polygon for many points: the ring's edges sorted into horizontal bands, so that a test looks at the few
// edges beside the point. Answers are exact and equal those of OpenCV's pointPolygonTest, its twin in the tests.

#include <cstdint>
#include <vector>

#include "hipt/tissue/tissue.h"

namespace hipt::tiling {

enum class Side { Outside, Boundary, Inside };

class RingIndex {
 public:
  // Throws InvalidArgument when a coordinate is beyond +-2^29.
  explicit RingIndex(const tissue::Ring& ring);

  // Where the point (x2 / 2, y2 / 2) lies: twice the coordinates, because the centre of an odd patch is half a pixel.
  Side side_of_doubled(std::int64_t x2, std::int64_t y2) const;
  Side side_of(Level0Point point) const { return side_of_doubled(2 * point.x, 2 * point.y); }

 private:
  struct Edge {
    Level0Point a, b;  // doubled
  };

  std::int64_t top_ = 0;                 // doubled y of the first band
  std::int64_t bottom_ = -1;             // last doubled y of the ring
  std::int64_t band_height_ = 1;         // doubled
  std::vector<std::size_t> band_begin_;  // [bands + 1] into edges_
  std::vector<Edge> edges_;              // band after band; an edge stands in each band that it touches
};

}  // namespace hipt::tiling
