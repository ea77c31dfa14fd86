#pragma once
// The steps of the segmentation one by one, on pictures in memory. `segment` runs them in this order.

#include <cstdint>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/base/rgb_view.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// One byte a pixel, row-major.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> values;  // [height, width]
};

// S of HSV in OpenCV's 8-bit fixed point. Black, as outside the slide, has none.
Plane saturation(RgbView picture);

// Median over squares of `side` px (odd), the border repeated.
void median_filter(Plane& plane, std::int64_t side);

// 255 where the value is above the threshold (strictly), else 0. Returns the threshold: sthresh, or Otsu's.
double binarise(Plane& plane, const TissueOptions& options);

// Closing with a square of `side` px; 0 = none. An even side shifts the mask by one pixel right and down, as published
// (trap T4).
void close_gaps(Plane& binary, std::int64_t side);

// Outlines with an area above a_t and their holes, in pixels of level 0. `scale` is the level's downsample.
Tissue find_contours(const Plane& binary, Downsample scale, const TissueOptions& options);

}  // namespace hipt::tissue
