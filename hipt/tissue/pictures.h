#pragma once
// Pictures of a slide's tissue to choose and check by eye; the mask picture is draw_mask (tissue.h).

#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// The slide at most 2000 px wide and high, with each contour found and its id beside it: green, and grey for those that
// keep_ids and exclude_ids leave out; holes blue.
image::RgbImage draw_numbered_contours(const slide::Slide& slide, const Tissue& tissue);

// The picture that artifacts were found on, at most 2000 px wide and high, with these painted by kind: pen yellow,
// black green, blur blue.
image::RgbImage draw_artifacts(const Artifacts& artifacts);

}  // namespace hipt::tissue
