#pragma once
// Polygons in the plane of level 0, and their simplification as TRIDENT does it before it lays its grid (shapely's
// simplify, which is GEOS's topology-preserving Douglas-Peucker).

#include <vector>

#include "hipt/io/geojson.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tiling {

using PlanePoint = io::DrawnPoint;
using PlaneRing = io::DrawnRing;  // closed polygon, first point not repeated

struct Polygon {
  PlaneRing outline;
  std::vector<PlaneRing> holes;
};

// With the fractions of pixels that a file gave.
std::vector<Polygon> polygons_of(const tissue::Tissue& tissue);

// Each point that is dropped lay within `tolerance` of the line that took its place. At least three points stay.
Polygon simplify(const Polygon& polygon, double tolerance);

}  // namespace hipt::tiling
