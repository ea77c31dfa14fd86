#pragma once
// The first principal components of patch features, to show them as colours.

#include <cstdint>
#include <functional>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::encode {

// Rows [first, first + count) of a table of features: float32 [count, dim].
struct FeatureTable {
  std::int64_t rows = 0;
  std::int64_t dim = 0;
  std::function<Array(std::int64_t first, std::int64_t count)> read;
};

// Projections on the first three principal components, each scaled so that its 1st and 99th percentile become 0 and 1:
// [rows, 3] in 0..1. Axes are found on at most 20,000 rows, evenly spread; an axis points to where its largest weight
// is positive, so that the colours do not depend on the solver. Memory does not grow with the width of the table.
std::vector<float> component_colours(const FeatureTable& table);

}  // namespace hipt::encode
