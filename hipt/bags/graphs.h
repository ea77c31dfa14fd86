#pragma once
// Graphs over the patches of a slide, each joined to its nearest neighbours by place and by features: what dgcn
// (DeepGraphConv, Li et al. 2018) passes messages along. Names and directions are those of Patch-GCN (Chen et al.
// 2021), whose notebook makes them with an approximate search; here they are exact.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hipt/bags/bag_files.h"
#include "hipt/base/array.h"
#include "hipt/base/options.h"
#include "hipt/base/run_context.h"

namespace hipt::bags {

struct GraphOptions {
  std::int64_t neighbours = 8;  // of each patch, itself not counted
};

template <class Visitor>
void describe(GraphOptions& options, Visitor& visitor) {
  visitor(options.neighbours, {.name = "graph_neighbours", .help = "patches each is joined to", .min = 1, .max = 1000});
}

// Edges are int64 [2, N k], k neighbours of the first patch, then those of the second ..., nearest first and of equals
// the first in the bag. Row 0 is the patch, the source of the message; row 1 its neighbour, the target. A bag of N <= k
// patches joins all pairs.
struct Graph {
  Array edge_index;   // by place; [2, 0] where the places are not known
  Array edge_latent;  // by features
  Array centroid;     // float32 [N, 2]: px of level 0; [0, 2] where they are not known
};

// By squared distance, exact. `corners` int64 [N, 2], within +-2^30.
Array nearest_by_place(const Array& corners, std::int64_t neighbours);
// By Euclidean distance of float32 [N, D]: FAISS proposes, twice as many as are wanted, and distances in double decide.
Array nearest_by_features(const Array& features, std::int64_t neighbours, RunContext& context);

// A .pt of a dict of tensors under the names of Graph, of one bag: made when missing, read when it is there with an
// equal fingerprint. Throws cohort::MadeOtherwise for any other. Regions [M, 256, D] are 256 M patches, first those of
// the first region, whose places are not known.
Graph graph_of(const BagFile& bag, const std::filesystem::path& folder, const GraphOptions& options,
               RunContext& context);

// Throws Corrupt naming the file when it is no such dict or an edge leads to no patch of `patches`.
Graph read_graph(const std::filesystem::path& file, std::int64_t patches);

struct GraphSummary {
  std::int64_t written = 0;
  std::int64_t present = 0;
  std::int64_t without_places = 0;                          // among those written
  std::vector<std::pair<std::string, std::string>> failed;  // slide, reason
};

// <folder>/<slide_id>.pt for each bag, several at once; those that are there with an equal fingerprint are left alone,
// others fail unless `redo`. A bad bag does not stop the others.
GraphSummary write_graphs(const std::vector<BagFile>& bags, const std::filesystem::path& folder, bool redo,
                          const GraphOptions& options, RunContext& context);

}  // namespace hipt::bags
