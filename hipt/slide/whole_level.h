#pragma once
// A level as one picture, for segmentation, masks and stitches. A level of more than 1e8 pixels (a large slide without
// a pyramid), where CLAM gives up, is seen through a virtual one instead: squares of its pixels averaged, so that the
// picture is about 64 times smaller than level 0.

#include "hipt/slide/slide.h"

namespace hipt::slide {

inline constexpr std::int64_t kMostWholeLevelPixels = 100'000'000;  // CLAM's limit of a segmentation level

struct WholeLevel {
  int level = 0;               // of the file
  std::int64_t reduction = 1;  // squares of reduction x reduction pixels of `level` become one; 1: the level itself
  Size size;                   // px, parts of squares at the right and lower border counted
  double downsample = 1;       // against level 0: that of the level, `reduction` times
  Downsample downsample_xy;    // per axis, likewise
};

// What is seen of `level` (resolved, so it exists): itself when it has at most `most_pixels`.
WholeLevel whole_level(const Slide& slide, int level, std::int64_t most_pixels = kMostWholeLevelPixels);

// Its pixels. The slide keeps the one that was read last for later calls. A virtual level is read
// in blocks: memory is bounded by one of them and the result. Means are exact, halves rounded up (where the downsample
// of `level` is no whole number, each block is resampled by a fraction of a pixel first); squares at the right and
// lower border average the pixels that exist. Throws as Slide::read_region.
image::RgbImage read_whole_level(const Slide& slide, const WholeLevel& level);

// `size` pixels of it from the level-0 place `origin`, like Slide::read_region: what lies wholly outside the slide is
// black. A virtual level averages squares that begin at `origin`, so that a place on its grid gives its pixels.
image::RgbImage read_whole_level_region(const Slide& slide, const WholeLevel& level, Level0Point origin, Size size);

}  // namespace hipt::slide
