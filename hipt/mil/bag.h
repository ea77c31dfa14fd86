#pragma once
// A bag: what a model sees of one slide or patient.

#include <cstdint>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::mil {

// A directed edge of a graph over instances: the target hears the source.
struct Edge {
  std::int64_t source = 0;
  std::int64_t target = 0;
};

struct Bag {
  // float32. Patches [N, D]; regions [M, 256, 384], each a 16 x 16 grid of patch features, row by row; region vectors
  // [M, 192].
  Array features;
  std::vector<std::int64_t> clusters;  // mi_fcn: a cluster 0..9 for each patch
  std::vector<Edge> edges;             // dgcn
};

}  // namespace hipt::mil
