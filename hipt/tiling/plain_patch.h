#pragma once
// The older CLAM script's test for patches without tissue or light (create_patches.py: isWhitePatch, isBlackPatch).

#include <optional>

#include "hipt/base/rgb_view.h"

namespace hipt::tiling {

// White: a mean saturation (OpenCV's 8-bit HSV) below `white_thresh`. Black: the means of red, green and blue all below
// `black_thresh`. A threshold that is not given finds nothing.
bool is_plain(RgbView patch, std::optional<double> white_thresh, std::optional<double> black_thresh);

}  // namespace hipt::tiling
