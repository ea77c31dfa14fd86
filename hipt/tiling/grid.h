#pragma once
// The grid of candidates in level-0 pixels.

#include "hipt/base/geometry.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/tiling.h"

namespace hipt::tiling {

// px of level 0. The axes differ where a level was rounded.
struct Grid {
  Size patch;  // what a patch covers
  Size step;   // from patch to patch
};

// With patch_level the level's downsample is truncated to a whole number, as CLAM does (3.9998 counts as 3); with mag
// the covered pixels are rounded.
Grid resolve_grid(const slide::Slide& slide, const TileOptions& options, const PixelRule& pixels);

// Accepted top-left corners of one contour, x outer, y inner.
std::vector<Level0Point> contour_points(const tissue::Contour& contour, Size slide_size, const Grid& grid,
                                        const TileOptions& options);

}  // namespace hipt::tiling
