#pragma once
// Resizing of 8-bit pictures bit for bit as Pillow does it (ImagingResample): separable, antialiased (the filter widens
// when shrinking), fixed-point weights, horizontal pass first. OpenCV's filters do not antialias.
// Pillow 13 passes vertically first where that costs less, which rounds otherwise; sides that shrink alike, as those of
// patches, are the same in all versions.

#include "hipt/image/image.h"

namespace hipt::image {

enum class Filter {
  Bilinear,  // support 1
  Bicubic,   // support 2, a = -0.5
};

// Pillow's Image.resize((width, height), filter). Throws InvalidArgument when a side is not positive.
RgbImage resample(RgbView picture, int width, int height, Filter filter);
RgbImage resample_reference(RgbView picture, int width, int height, Filter filter);

}  // namespace hipt::image
