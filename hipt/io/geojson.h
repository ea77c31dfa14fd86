#pragma once
// Outlines as GeoJSON (RFC 7946) in pixels of level 0, as QuPath, TRIDENT and hipt write it.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "hipt/base/geometry.h"

namespace hipt::io {

struct GeoPolygon {
  std::vector<Level0Point> outline;             // open: the first point is not repeated at the end
  std::vector<std::vector<Level0Point>> holes;  // likewise
  std::int64_t tissue_id = 0;
};

// A FeatureCollection of Polygons, a Feature a line with the property tissue_id, in the order given. Atomic. The file
// says EPSG:3857, as TRIDENT's do: a plane, so that readers do not take pixels for degrees. Throws Io; InvalidArgument
// for an empty outline.
void write_polygons(const std::filesystem::path& path, std::span<const GeoPolygon> polygons);

// A place in level-0 pixels with its fraction, as drawn.
struct DrawnPoint {
  double x = 0;
  double y = 0;
  bool operator==(const DrawnPoint&) const = default;
};
using DrawnRing = std::vector<DrawnPoint>;  // open

struct DrawnPolygon {
  std::vector<DrawnRing> rings;  // the outline, then its holes
  std::int64_t feature = 0;      // its Feature's place in the file, from 0
  std::string classification;    // properties.classification.name ("Tumor"), as QuPath writes it; "" when absent
  std::string name;              // properties.name; "" when absent
};

// The polygons of a FeatureCollection, of a bare list of Features, of one Feature or of one geometry, in the file's
// order; those of a MultiPolygon or GeometryCollection one by one. Features of another kind (points, lines) and
// without geometry are passed over.
// Throws NotFound, Io; Unsupported for more than 256 MiB; Corrupt, naming file and feature, for broken JSON and for
// rings that are open, without area, beyond +-2^29 px, or cross each other or themselves. That rings touch or run
// along each other is no fault: outlines traced on pixels do.
std::vector<DrawnPolygon> read_polygons(const std::filesystem::path& path);

}  // namespace hipt::io
