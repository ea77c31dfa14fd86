#pragma once
// Numbers of places on a slide as GeoJSON, as QuPath reads it: measurements of detections.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "hipt/base/array.h"
#include "hipt/base/geometry.h"

namespace hipt::io {

// A FeatureCollection, a Feature a line: for row i of `values` (float32 [places, names]) the square with the corner
// corners[i] and the given side in pixels of level 0, or the corner alone where `side` is 0. `fingerprint` (JSON)
// stands in the collection's member hipt_fingerprint. The plane is that of write_polygons. Throws InvalidArgument when
// sizes do not fit or a value is not finite.
std::string measurements_text(std::span<const Level0Point> corners, std::int64_t side,
                              std::span<const std::string> names, const Array& values, const std::string& fingerprint);

}  // namespace hipt::io
