#pragma once
// Whether the rings of a drawn polygon cross each other or themselves.

#include <optional>
#include <span>

#include "hipt/io/geojson.h"

namespace hipt::io {

// A place where two edges cross so that every end lies more than half a pixel beyond the other edge. Touching,
// coinciding and shallower edges do not count: outlines traced on pixels touch, and rounding makes shallow crossings.
// Throws Unsupported when edges lie so thick that the search would not end.
std::optional<DrawnPoint> crossing_of(std::span<const DrawnRing> rings);

}  // namespace hipt::io
