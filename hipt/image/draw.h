#pragma once
// The few drawing steps of masks, stitches and overviews, by OpenCV where a published picture is defined by it.

#include <cstdint>
#include <span>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::image {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

// A pixel of a picture; may lie outside of it.
struct PixelPoint {
  int x = 0;
  int y = 0;
};

// Shrinks (or enlarges) to width x height, each pixel the mean of the area it covers (OpenCV's INTER_AREA).
// Throws InvalidArgument when a side is not positive.
RgbImage resize_area(RgbView picture, int width, int height);

// Copies `patch` with its top-left corner at (x, y); what hangs over the border is left out.
void paste(RgbImage& picture, int x, int y, RgbView patch);

// Fills the pixels x .. x + width - 1, y .. y + height - 1; what hangs over the border is left out.
void fill_rectangle(RgbImage& picture, int x, int y, int width, int height, Colour colour);

// Closed outlines exactly as CLAM draws them (cv2.drawContours, whose thickness 0 is one pixel, as is 1).
// Throws InvalidArgument for a thickness outside 0 .. 32767.
void draw_rings(RgbImage& picture, std::span<const std::vector<PixelPoint>> rings, Colour colour, int thickness);

}  // namespace hipt::image
