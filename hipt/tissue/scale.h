#pragma once

#include "hipt/slide/slide.h"

namespace hipt::tissue {

// Microns a pixel of level 0, for methods that work at a physical resolution and need it roughly: what the slide says,
// else 10 / objective, else 0.5 (20x).
inline double microns_per_pixel(const slide::Slide& slide) {
  if (slide.mpp()) return slide.mpp()->value;
  return slide.objective_power() ? 10 / *slide.objective_power() : 0.5;
}

}  // namespace hipt::tissue
