#pragma once
// The steps of the segmentation one by one, on pictures in memory. `segment` runs them in this order.

#include <cstdint>

#include "hipt/base/geometry.h"
#include "hipt/base/rgb_view.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// S of HSV in OpenCV's 8-bit fixed point. Black, as outside the slide, has none.
Plane saturation(RgbView picture);

// Median over squares of `side` px (odd), the border repeated.
void median_filter(Plane& plane, std::int64_t side);

// sthresh_up where the value is above the threshold (strictly), else 0. Returns the threshold: sthresh, or Otsu's.
double binarise(Plane& plane, const TissueOptions& options);

// Closing with a square of `side` px; 0 = none. An even side shifts the mask by one pixel right and down, as published
// (trap T4).
void close_gaps(Plane& binary, std::int64_t side);

// Outlines with an area above a_t and their holes, in pixels of level 0. `scale` is the level's downsample.
Tissue find_contours(const Plane& binary, Downsample scale, const TissueOptions& options);

// Gives the contours their ids and moves what keep_ids and exclude_ids leave out to `left_out`; the rest keeps its
// order. Throws InvalidArgument for a kept id that does not exist.
void choose_contours(Tissue& tissue, const TissueOptions& options);

}  // namespace hipt::tissue
