#pragma once
// The grid of candidates in level-0 pixels.

#include "hipt/base/geometry.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/tiling.h"
#include "hipt/tiling/tissue_area.h"

namespace hipt::tiling {

// What the three pixel rules come to.
struct Scale {
  int level = 0;         // that is read
  double reduction = 1;  // px of that level for one px of the target; below 1: enlarged
  Downsample covers;     // px of level 0 that the grid counts for one px of the target
};

// With patch_level the level's downsample is truncated to a whole number, as CLAM does (3.9998 counts as 3). Throws as
// resolve_pixels does.
Scale resolve_scale(const slide::Slide& slide, const TileOptions& options);

// px of level 0. The axes differ where a level was rounded.
struct Grid {
  Size patch;  // what a patch covers
  Size step;   // from patch to patch
};
Grid resolve_grid(const Scale& scale, const TileOptions& options);

// The options that find the regions whose cells are the patches: region_size edge to edge, the rest as given.
TileOptions region_options(const TileOptions& options);

// Accepted top-left corners of one contour, x outer, y inner.
std::vector<Level0Point> contour_points(const tissue::Contour& contour, Size slide_size, const Grid& grid,
                                        const TileOptions& options);

// Top-left corners of the one grid from (0, 0) whose squares touch the tissue and have tissue_fraction of it; y outer,
// x inner.
std::vector<Level0Point> global_points(const TissueArea& area, Size slide_size, const Grid& grid,
                                       const TileOptions& options);

}  // namespace hipt::tiling
