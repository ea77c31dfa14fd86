#pragma once
// Bags with all that their model needs: features, for mi_fcn clusters too, for dgcn a graph.

#include <filesystem>
#include <string>
#include <vector>

#include "hipt/bags/clusters.h"
#include "hipt/base/run_context.h"
#include "hipt/subtype/cohort_data.h"

namespace hipt::subtype {

// Clusters are read from <bags>/fast_cluster_ids.pkl of --bags, graphs from its graph_files/; where these are not
// there, both are made from the bags and kept in the folder of cache_dir.
class BagLoader {
 public:
  // mi_fcn: reads or makes the clusters of the whole cohort. Throws as bags::clusters_of.
  BagLoader(const SubtypeOptions& options, const CohortData& data, RunContext& context);

  // dgcn: makes the graphs of these slides that are missing. Throws what the first that fails gave.
  void make_graphs(const std::vector<std::size_t>& slides, RunContext& context) const;

  // Throws as load_bag, and what reading a graph throws. Safe from many threads.
  mil::Bag load(std::size_t slide) const;

  // SHA-256 of the clusters of all slides; empty for models without.
  const std::string& clusters_hash() const { return clusters_hash_; }

 private:
  std::vector<bags::BagFile> bag_files(const std::vector<std::size_t>& slides) const;

  const CohortData& data_;
  GraphEdges edges_;
  std::filesystem::path graph_folder_;
  bags::ClusterIds clusters_;
  std::string clusters_hash_;
};

// Where what is computed once from bags lies: --cache_dir, else <results_dir>/cache.
std::filesystem::path cache_folder(const ResultOptions& options);

}  // namespace hipt::subtype
