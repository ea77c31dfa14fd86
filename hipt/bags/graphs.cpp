#include "hipt/bags/graphs.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <span>

#include <faiss/utils/distances.h>
#include <fmt/format.h>

#include "hipt/bags/faiss_internal.h"
#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/version.h"
#include "hipt/cohort/output.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/torch_file.h"

namespace hipt::bags {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kQueriesAtOnce = 256;  // fixed, so that FAISS computes the same at any number of threads

// Candidate neighbours of one patch; the nearest are kept, of equals those that come first in the bag.
template <class Distance>
struct Neighbour {
  Distance squared_distance;
  std::int64_t row;
  auto operator<=>(const Neighbour&) const = default;
};

// Edges from every patch to as many others as there are, up to `neighbours`.
Array edges_for(std::int64_t patches, std::int64_t neighbours) {
  const std::int64_t each = std::min(neighbours, patches - 1);
  Array edges = Array::of<std::int64_t>({2, patches * each});
  const std::span<std::int64_t> rows = edges.as_mutable<std::int64_t>();
  for (std::int64_t edge = 0; edge < patches * each; ++edge) rows[static_cast<std::size_t>(edge)] = edge / each;
  return edges;
}

// The corners by x, so that a search looks no further than the worst neighbour that it has.
class PlaceSearch {
 public:
  explicit PlaceSearch(std::span<const std::int64_t> corners) : corners_(corners), order_(corners.size() / 2) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t row) { return x(row); });
  }

  std::size_t row_at(std::size_t place) const { return order_[place]; }

  // Of the patch at a place in the order; nearest first.
  std::vector<Neighbour<std::int64_t>> nearest(std::size_t place, std::size_t count) const {
    std::vector<Neighbour<std::int64_t>> found;  // sorted
    const std::size_t row = order_[place];
    std::size_t left = place;
    std::size_t right = place + 1;
    while (left > 0 || right < order_.size()) {
      const bool go_left =
          right == order_.size() || (left > 0 && x(row) - x(order_[left - 1]) <= x(order_[right]) - x(row));
      const std::size_t other = go_left ? order_[--left] : order_[right++];
      const std::int64_t dx = x(other) - x(row);
      if (found.size() == count && dx * dx > found.back().squared_distance) break;
      const std::int64_t dy = y(other) - y(row);
      const Neighbour<std::int64_t> candidate{dx * dx + dy * dy, static_cast<std::int64_t>(other)};
      if (found.size() == count && found.back() < candidate) continue;
      found.insert(std::ranges::upper_bound(found, candidate), candidate);
      if (found.size() > count) found.pop_back();
    }
    return found;
  }

 private:
  std::int64_t x(std::size_t row) const { return corners_[2 * row]; }
  std::int64_t y(std::size_t row) const { return corners_[2 * row + 1]; }

  std::span<const std::int64_t> corners_;
  std::vector<std::size_t> order_;
};

double squared_distance(const float* a, const float* b, std::size_t dim) {
  double sum = 0.0;
  for (std::size_t d = 0; d < dim; ++d) {
    const double difference = static_cast<double>(a[d]) - static_cast<double>(b[d]);
    sum += difference * difference;
  }
  return sum;
}

// Fills `targets` with the neighbours of the rows [first, first + count).
void search_features(std::span<const float> features, std::size_t dim, const std::vector<float>& norms,
                     std::size_t first, std::size_t count, std::size_t each, std::span<std::int64_t> targets) {
  const std::size_t rows = norms.size();
  const std::size_t proposed = std::min(rows, 2 * each + 1);
  std::vector<float> distances(count * proposed);
  std::vector<std::int64_t> ids(count * proposed);
  with_faiss([&] {
    static std::mutex one_product;  // the BLAS of one thread (Debian's openblas-serial) errs when two are in it at once
    const std::scoped_lock lock(one_product);
    faiss::knn_L2sqr(&features[first * dim], features.data(), dim, count, rows, proposed, distances.data(), ids.data(),
                     norms.data());
  });
  std::vector<Neighbour<double>> found;
  for (std::size_t query = 0; query < count; ++query) {
    const std::size_t row = first + query;
    found.clear();
    for (std::size_t i = query * proposed; i < (query + 1) * proposed; ++i) {
      const auto other = static_cast<std::size_t>(ids[i]);
      if (other == row || other >= rows) continue;
      found.push_back({squared_distance(&features[row * dim], &features[other * dim], dim), ids[i]});
    }
    std::ranges::sort(found);
    if (found.size() < each) throw Error(ErrorCode::Internal, "FAISS found too few neighbours");
    for (std::size_t i = 0; i < each; ++i) targets[row * each + i] = found[i].row;
  }
}

cohort::Fingerprint fingerprint_of(const BagFile& bag, const std::optional<Array>& corners,
                                   const GraphOptions& options) {
  cohort::Fingerprint fingerprint;
  fingerprint.add(option_texts(options));
  fingerprint.set("features", sha256_hex(identity_of_bag(bag.file)));
  fingerprint.set("places", corners ? sha256_hex({corners->bytes(), corners->byte_size()}) : "unknown");
  return fingerprint;
}

Graph make_graph(const Array& features, const std::optional<Array>& corners, const GraphOptions& options,
                 RunContext& context) {
  Graph graph{Array::of<std::int64_t>({2, 0}), nearest_by_features(features, options.neighbours, context),
              Array::of<float>({0, 2})};
  if (corners) {
    graph.edge_index = nearest_by_place(*corners, options.neighbours);
    graph.centroid = corners->to_float32();
  }
  return graph;
}

void write_graph(const fs::path& file, const Graph& graph, const cohort::Fingerprint& fingerprint) {
  io::AtomicFile output(file);
  io::write_torch_tensors(
      output.temporary_path(),
      {{"edge_index", &graph.edge_index}, {"edge_latent", &graph.edge_latent}, {"centroid", &graph.centroid}},
      {{"hipt.json", fingerprint.json()}, {"hipt_version", std::string(version())}});
  output.commit();
}

// The graph's file, made when it is not there with an equal fingerprint. The graph when it had to be made.
std::optional<Graph> ensure_graph(const BagFile& bag, const fs::path& file, bool redo, const GraphOptions& options,
                                  std::int64_t* patches, RunContext& context) {
  Array features = read_bag(bag.file);
  const bool are_patches = features.rank() == 2;
  const std::int64_t width = features.shape().back();
  *patches = static_cast<std::int64_t>(features.size()) / width;
  features = std::move(features).reshaped({*patches, width});
  std::optional<Array> corners;
  if (are_patches) corners = read_coordinates_of_bag(bag.file, *patches);
  const cohort::Fingerprint now = fingerprint_of(bag, corners, options);
  std::error_code ignored;
  if (!redo && fs::exists(file, ignored)) {
    const std::optional<std::string> json = io::read_torch_record(file, "hipt.json");
    cohort::require_equal(file, json ? cohort::Fingerprint::parse(*json) : std::nullopt, now);
    return std::nullopt;
  }
  Graph graph = make_graph(features, corners, options, context);
  write_graph(file, graph, now);
  return graph;
}

fs::path graph_file(const fs::path& folder, const BagFile& bag) {
  return folder / (bag.slide_id + ".pt");
}

Array checked_edges(const io::TorchValue& graph, std::string_view name, std::int64_t patches, const fs::path& file) {
  const io::TorchValue* const entry = graph.find(name);
  const Array* const edges = entry == nullptr ? nullptr : entry->tensor();
  if (edges == nullptr || edges->dtype() != DType::Int64 || edges->rank() != 2 || edges->dim(0) != 2) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: {} is no int64 [2, edges]", file.string(), name));
  }
  Array copy = edges->clone();
  for (const std::int64_t patch : copy.as<std::int64_t>()) {
    if (patch >= 0 && patch < patches) continue;
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: {} leads to patch {}, and the bag has {}", file.string(), name, patch, patches));
  }
  return copy;
}

}  // namespace

Array nearest_by_place(const Array& corners, std::int64_t neighbours) {
  const std::int64_t patches = corners.dim(0);
  Array edges = edges_for(patches, neighbours);
  const std::size_t each = edges.size() / 2 / static_cast<std::size_t>(patches);
  const std::span<std::int64_t> targets = edges.as_mutable<std::int64_t>().subspan(edges.size() / 2);
  const PlaceSearch search(corners.as<std::int64_t>());
  for (std::size_t place = 0; place < static_cast<std::size_t>(patches) && each > 0; ++place) {
    const auto found = search.nearest(place, each);
    for (std::size_t i = 0; i < each; ++i) targets[search.row_at(place) * each + i] = found[i].row;
  }
  return edges;
}

Array nearest_by_features(const Array& features, std::int64_t neighbours, RunContext& context) {
  const std::int64_t patches = features.dim(0);
  Array edges = edges_for(patches, neighbours);
  if (edges.empty()) return edges;
  const auto rows = static_cast<std::size_t>(patches);
  const auto dim = static_cast<std::size_t>(features.dim(1));
  const std::size_t each = edges.size() / 2 / rows;
  const std::span<std::int64_t> targets = edges.as_mutable<std::int64_t>().subspan(edges.size() / 2);
  const std::span<const float> values = features.as<float>();
  std::vector<float> norms(rows);
  with_faiss([&] { faiss::fvec_norms_L2sqr(norms.data(), values.data(), dim, rows); });
  context.pool.parallel_for((rows + kQueriesAtOnce - 1) / kQueriesAtOnce,
                            [&](std::size_t block) {
                              const std::size_t first = block * kQueriesAtOnce;
                              search_features(values, dim, norms, first, std::min(kQueriesAtOnce, rows - first), each,
                                              targets);
                            },
                            context.stop);
  return edges;
}

Graph graph_of(const BagFile& bag, const fs::path& folder, const GraphOptions& options, RunContext& context) {
  check_ranges(options);
  std::int64_t patches = 0;
  std::optional<Graph> made = ensure_graph(bag, graph_file(folder, bag), false, options, &patches, context);
  return made ? std::move(*made) : read_graph(graph_file(folder, bag), patches);
}

Graph read_graph(const fs::path& file, std::int64_t patches) {
  const io::TorchValue value = io::read_torch_file(file);
  Graph graph{checked_edges(value, "edge_index", patches, file), checked_edges(value, "edge_latent", patches, file),
              Array::of<float>({0, 2})};
  const io::TorchValue* const centroid = value.find("centroid");
  const Array* const stored = centroid == nullptr ? nullptr : centroid->tensor();
  if (stored == nullptr || stored->rank() != 2 || stored->dim(1) != 2 ||
      (stored->dim(0) != patches && stored->dim(0) != 0)) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: centroid is no [{}, 2]", file.string(), patches));
  }
  graph.centroid = stored->to_float32();
  return graph;
}

GraphSummary write_graphs(const std::vector<BagFile>& bags, const fs::path& folder, bool redo,
                          const GraphOptions& options, RunContext& context) {
  check_ranges(options);
  GraphSummary summary;
  std::mutex mutex;
  context.progress.begin("graphs", static_cast<std::int64_t>(bags.size()), "slides");
  context.pool.parallel_for(
      bags.size(),
      [&](std::size_t i) {
        try {
          std::int64_t patches = 0;
          const std::optional<Graph> made =
              ensure_graph(bags[i], graph_file(folder, bags[i]), redo, options, &patches, context);
          const std::scoped_lock lock(mutex);
          ++(made ? summary.written : summary.present);
          if (made && made->centroid.empty()) ++summary.without_places;
        } catch (const Error& error) {
          if (error.code() == ErrorCode::Cancelled) throw;
          const std::scoped_lock lock(mutex);
          summary.failed.emplace_back(bags[i].slide_id, error.what());
        }
        context.progress.advance(1);
      },
      context.stop);
  context.progress.end();
  std::ranges::sort(summary.failed);
  return summary;
}

}  // namespace hipt::bags
