#include "hipt/subtype/bag_loader.h"

#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/bags/graphs.h"
#include "hipt/base/error.h"
#include "hipt/base/sha256.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

// `name` in --bags when it is there, else `made` in the cache.
fs::path side_folder(const SubtypeOptions& options, std::string_view name, const fs::path& made) {
  std::error_code ignored;
  const fs::path given = fs::path(options.data.bags) / name;
  if (!options.data.bags.empty() && fs::exists(given, ignored)) {
    return fs::is_directory(given, ignored) ? given : given.parent_path();
  }
  return cache_folder(options.results) / made;
}

std::string cohort_hash(const CohortData& data) {
  return sha256_hex(fmt::format("{}", fmt::join(data.bag_ids, "\n")));
}

}  // namespace

fs::path cache_folder(const ResultOptions& options) {
  return options.cache_dir.empty() ? fs::path(options.results_dir) / "cache" : fs::path(options.cache_dir);
}

BagLoader::BagLoader(const SubtypeOptions& options, const CohortData& data, RunContext& context)
    : data_(data), edges_(options.data.edges), graph_folder_(side_folder(options, "graph_files", "graph_files")) {
  if (data.mode != BagMode::Cluster) return;
  std::vector<std::size_t> all(data.bag_files.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const fs::path folder =
      side_folder(options, "fast_cluster_ids.pkl", fs::path("clusters") / cohort_hash(data).substr(0, 16));
  clusters_ = bags::clusters_of(bag_files(all), folder, {}, context);
  Sha256 hash;
  for (const auto& [slide, clusters] : clusters_) {
    hash.update(fmt::format("{} {}\n", slide, fmt::join(clusters, "")));
  }
  clusters_hash_ = hash.hex();
}

void BagLoader::make_graphs(const std::vector<std::size_t>& slides, RunContext& context) const {
  if (data_.mode != BagMode::Graph) return;
  const bags::GraphSummary summary = bags::write_graphs(bag_files(slides), graph_folder_, false, {}, context);
  if (summary.failed.empty()) return;
  const auto& [slide, reason] = summary.failed.front();
  throw Error(ErrorCode::InvalidArgument, fmt::format("{} of {} slides have no graph; the first: {}: {}",
                                                      summary.failed.size(), slides.size(), slide, reason));
}

mil::Bag BagLoader::load(std::size_t slide) const {
  mil::Bag bag = load_bag(data_, slide);
  const std::string& id = data_.dataset.slides[slide].slide_id;
  if (data_.mode == BagMode::Cluster) bag.clusters = clusters_.at(id);
  if (data_.mode == BagMode::Graph) {
    const bags::Graph graph = bags::read_graph(graph_folder_ / (id + ".pt"), bag.features.dim(0));
    const Array& edges = edges_ == GraphEdges::Latent ? graph.edge_latent : graph.edge_index;
    const std::span<const std::int64_t> ends = edges.as<std::int64_t>();
    const auto count = static_cast<std::size_t>(edges.dim(1));
    if (count == 0 && bag.features.dim(0) > 1) {
      throw Error(ErrorCode::NotFound, fmt::format("{}: no coordinates lie beside {}; --edges latent needs none", id,
                                                   data_.bag_files[slide].string()));
    }
    for (std::size_t i = 0; i < count; ++i) bag.edges.push_back({ends[i], ends[count + i]});
  }
  return bag;
}

std::vector<bags::BagFile> BagLoader::bag_files(const std::vector<std::size_t>& slides) const {
  std::vector<bags::BagFile> files;
  for (const std::size_t slide : slides) {
    files.push_back({data_.dataset.slides[slide].slide_id, data_.bag_files[slide]});
  }
  return files;
}

}  // namespace hipt::subtype
