#pragma once
// Clusters of the patches of a cohort, by k-means over all their features: what mi_fcn (DeepAttnMISL, Yao et al. 2020)
// pools within. The published programs read them from fast_cluster_ids.pkl, which none of them makes.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hipt/bags/bag_files.h"
#include "hipt/base/array.h"
#include "hipt/base/options.h"
#include "hipt/base/run_context.h"

namespace hipt::bags {

inline constexpr std::int64_t kClusters = 10;  // as many as mi_fcn has networks

struct ClusterOptions {
  std::int64_t seed = 1;
  std::int64_t samples = 100000;  // patches, drawn evenly from the cohort, that the centres are learned from
  std::int64_t iterations = 25;
};

template <class Visitor>
void describe(ClusterOptions& options, Visitor& visitor) {
  visitor(options.seed,
          {.name = "cluster_seed", .help = "of the sample and of the first centres", .min = 0, .max = 2147483647});
  visitor(options.samples, {.name = "cluster_samples",
                            .unit = "patches",
                            .help = "the centres are learned from so many, drawn from the whole cohort",
                            .min = kClusters,
                            .max = 100000000});
  visitor(options.iterations, {.name = "cluster_iterations", .help = "of k-means", .min = 1, .max = 100000});
}

// A cluster 0..9 for each patch of a slide, by slide. Patches are the rows of [N, D], and of [M, 256, D] those of the
// first region, then those of the second ...
using ClusterIds = std::map<std::string, std::vector<std::int64_t>>;

// Centres float32 [10, D], by Lloyd's iterations (FAISS) from random patches, over a sample that is held in memory;
// bags are read one after the other. The same for one seed at any number of threads. Throws InvalidArgument with fewer
// than ten patches or bags of different widths.
Array learn_centres(const std::vector<BagFile>& bags, const ClusterOptions& options, RunContext& context);

// The nearest centre of each patch, by squared distances in double; of equals the first. Throws InvalidArgument when
// the widths differ.
std::vector<std::int64_t> nearest_centres(const Array& bag, const Array& centres);

// <folder>/fast_cluster_ids.pkl as the published programs read it: a dict from "<slide_id>.pt" to an array, int32 [N];
// one more entry, "hipt.json", is the fingerprint. And <folder>/cluster_centres.pt, float32 [10, D], which gives
// clusters to new slides. Files that are there with an equal fingerprint are left alone, others stop the call (throws
// cohort::MadeOtherwise) unless `redo`. A call that was interrupted goes on after the centres. False when both were
// there.
bool write_clusters(const std::vector<BagFile>& bags, const std::filesystem::path& folder, bool redo,
                    const ClusterOptions& options, RunContext& context);

// Throws NotFound, or Corrupt naming the file and the slide: no dict from names to arrays of one dimension of numbers
// 0..9.
ClusterIds read_clusters(const std::filesystem::path& fast_cluster_ids);
// Throws Corrupt naming the file when it is no float32 [10, D].
Array read_centres(const std::filesystem::path& file);

// The clusters of these bags. From <folder>/fast_cluster_ids.pkl, whoever made it, when that has all of them; made by
// write_clusters over these bags when there is none. Throws Corrupt naming the slide when a file that is there lacks
// it.
ClusterIds clusters_of(const std::vector<BagFile>& bags, const std::filesystem::path& folder,
                       const ClusterOptions& options, RunContext& context);

}  // namespace hipt::bags
