#pragma once
// A level as one picture, for segmentation, masks and stitches. A level of more than 1e8 pixels (a large slide without
// a pyramid) is seen through a virtual one instead: squares of its pixels averaged, so that the picture is about 64
// times smaller than level 0.

#include "hipt/slide/slide.h"

namespace hipt::slide {

struct WholeLevel {
  int level = 0;               // of the file
  std::int64_t reduction = 1;  // squares of reduction x reduction pixels of `level` become one; 1: the level itself
  Size size;                   // px
  double downsample = 1;       // against level 0, as Level::downsample
  Downsample downsample_xy;    // level-0 size / size, per axis
};

// What is seen of `level` (resolved, so it exists).
WholeLevel whole_level(const Slide& slide, int level);

// Its pixels. A virtual level is read in stripes: memory stays bounded by a stripe and the result. Squares at the right
// and lower border average the pixels that exist.
image::RgbImage read_whole_level(const Slide& slide, const WholeLevel& level);

// `size` pixels of it from the level-0 place `origin`, like Slide::read_region (a virtual level averages there too).
image::RgbImage read_whole_level_region(const Slide& slide, const WholeLevel& level, Level0Point origin, Size size);

}  // namespace hipt::slide
