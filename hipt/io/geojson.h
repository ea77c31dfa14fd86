#pragma once
// Tissue outlines as GeoJSON (RFC 7946) that QuPath opens and TRIDENT reads: level-0 pixels, one Feature a contour,
// property tissue_id.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "hipt/base/geometry.h"

namespace hipt::io {

struct GeoPolygon {
  std::vector<Level0Point> outline;             // open: the first point is not repeated at the end
  std::vector<std::vector<Level0Point>> holes;  // likewise
  std::int64_t tissue_id = 0;
};

// A FeatureCollection of Polygons, a Feature a line, in the order given. Atomic. The file says EPSG:3857, as TRIDENT's
// do: a plane, so that readers do not take pixels for degrees. Throws Io; InvalidArgument for an empty outline.
void write_polygons(const std::filesystem::path& path, std::span<const GeoPolygon> polygons);

}  // namespace hipt::io
