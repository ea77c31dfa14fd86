#include "hipt/bags/clusters.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string_view>

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <fmt/format.h>

#include "hipt/bags/faiss_internal.h"
#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/version.h"
#include "hipt/cohort/output.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/pickle_file.h"
#include "hipt/io/torch_file.h"

namespace hipt::bags {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIdsFile = "fast_cluster_ids.pkl";
constexpr const char* kFingerprintEntry = "hipt.json";  // no slide: the others end in .pt
constexpr std::int64_t kRowsAtOnce = 256;

fs::path centres_file(const fs::path& folder) {
  return folder / (std::string(kClusterCentres) + ".pt");
}

// Squared distances of rows to the ten centres. The centres stand side by side, so that one pass over a row serves
// them all at once.
class Centres {
 public:
  // `centres` float32 [10, dim]
  Centres(const float* centres, std::int64_t dim) : dim_(static_cast<std::size_t>(dim)), columns_(dim_) {
    for (std::size_t d = 0; d < dim_; ++d) {
      for (std::size_t c = 0; c < kCount; ++c) columns_[d][c] = static_cast<double>(centres[c * dim_ + d]);
    }
  }

  struct Nearest {
    std::size_t centre = 0;
    double squared_distance = 0.0;
  };

  Nearest nearest(const float* row) const {
    std::array<double, kCount> sums{};
    for (std::size_t d = 0; d < dim_; ++d) {
      const auto value = static_cast<double>(row[d]);
      for (std::size_t c = 0; c < kCount; ++c) sums[c] += (value - columns_[d][c]) * (value - columns_[d][c]);
    }
    const auto least = std::ranges::min_element(sums);
    return {static_cast<std::size_t>(least - sums.begin()), *least};
  }

 private:
  static constexpr std::size_t kCount = static_cast<std::size_t>(kClusters);
  std::size_t dim_;
  std::vector<std::array<double, kCount>> columns_;
};

// What FAISS's k-means asks for the nearest centres: our own distances, on our own threads, so that the centres do not
// depend on the number of these nor on the BLAS that is installed.
class CentreIndex final : public faiss::IndexFlatL2 {
 public:
  CentreIndex(std::int64_t dim, RunContext& context) : faiss::IndexFlatL2(dim), context_(context) {}

  void search(idx_t count, const float* rows, idx_t, float* distances, idx_t* labels,
              const faiss::SearchParameters*) const override {
    const Centres centres(get_xb(), d);
    const auto blocks = static_cast<std::size_t>((count + kRowsAtOnce - 1) / kRowsAtOnce);
    context_.pool.parallel_for(
        blocks,
        [&](std::size_t block) {
          const idx_t first = static_cast<idx_t>(block) * kRowsAtOnce;
          for (idx_t row = first; row < std::min(count, first + kRowsAtOnce); ++row) {
            const Centres::Nearest found = centres.nearest(rows + row * d);
            labels[row] = static_cast<idx_t>(found.centre);
            distances[row] = static_cast<float>(found.squared_distance);
          }
        },
        context_.stop);
    context_.progress.advance(1);
  }

 private:
  RunContext& context_;
};

// An even sample of a stream of rows (Vitter 1985, algorithm R).
class Reservoir {
 public:
  Reservoir(std::int64_t most, std::int64_t seed)
      : most_(static_cast<std::size_t>(most)), random_(static_cast<std::uint64_t>(seed)) {}

  void offer(const Array& bag, const fs::path& file) {
    const std::int64_t width = bag.shape().back();
    if (width_ == 0) width_ = width;
    if (width != width_) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("{}: its features are {} wide, those of the bags before {}",
                                                          file.string(), width, width_));
    }
    const std::span<const float> values = bag.as<float>();
    const auto row_size = static_cast<std::size_t>(width);
    for (std::size_t at = 0; at < values.size(); at += row_size, ++seen_) {
      const std::span<const float> row = values.subspan(at, row_size);
      if (seen_ < most_) {
        rows_.insert(rows_.end(), row.begin(), row.end());
      } else if (const std::size_t place = below(seen_ + 1); place < most_) {
        std::ranges::copy(row, rows_.begin() + static_cast<std::ptrdiff_t>(place * row_size));
      }
    }
  }

  std::int64_t width() const { return width_; }
  std::int64_t count() const { return static_cast<std::int64_t>(std::min(seen_, most_)); }
  const std::vector<float>& rows() const { return rows_; }

 private:
  // Even in [0, bound).
  std::size_t below(std::size_t bound) {
    const std::uint64_t rest = (std::uint64_t{0} - bound) % bound;  // 2^64 mod bound
    std::uint64_t drawn = random_();
    while (drawn < rest) drawn = random_();
    return static_cast<std::size_t>(drawn % bound);
  }

  std::size_t most_;
  std::mt19937_64 random_;
  std::size_t seen_ = 0;
  std::int64_t width_ = 0;
  std::vector<float> rows_;
};

Reservoir sample_cohort(const std::vector<BagFile>& bags, const ClusterOptions& options, RunContext& context) {
  Reservoir sample(options.samples, options.seed);
  context.progress.begin("sample features", static_cast<std::int64_t>(bags.size()), "slides");
  const std::size_t together = std::max<std::size_t>(1, context.pool.size());
  for (std::size_t first = 0; first < bags.size(); first += together) {
    std::vector<Array> read(std::min(together, bags.size() - first));
    context.pool.parallel_for(
        read.size(), [&](std::size_t i) { read[i] = read_bag(bags[first + i].file); }, context.stop);
    for (std::size_t i = 0; i < read.size(); ++i) sample.offer(read[i], bags[first + i].file);
    context.progress.advance(static_cast<std::int64_t>(read.size()));
  }
  return sample;
}

cohort::Fingerprint fingerprint_of(const std::vector<BagFile>& bags, const ClusterOptions& options,
                                   RunContext& context) {
  std::vector<std::string> identities(bags.size());
  context.pool.parallel_for(
      bags.size(), [&](std::size_t i) { identities[i] = identity_of_bag(bags[i].file); }, context.stop);
  Sha256 cohort_sha;
  for (std::size_t i = 0; i < bags.size(); ++i) {
    cohort_sha.update(fmt::format("{} {}\n", bags[i].slide_id, identities[i]));
  }
  cohort::Fingerprint fingerprint;
  fingerprint.add(option_texts(options));
  fingerprint.set("bags", std::to_string(bags.size()));
  fingerprint.set("features", cohort_sha.hex());
  return fingerprint;
}

std::optional<cohort::Fingerprint> parsed(const std::optional<std::string>& json) {
  return json ? cohort::Fingerprint::parse(*json) : std::nullopt;
}

std::optional<cohort::Fingerprint> fingerprint_of_ids(const fs::path& file) {
  const io::TorchValue value = io::read_pickle_file(file);
  const io::TorchValue* const entry = value.find(kFingerprintEntry);
  if (entry == nullptr || !std::holds_alternative<std::string>(entry->value)) return std::nullopt;
  return cohort::Fingerprint::parse(std::get<std::string>(entry->value));
}

Array made_centres(const std::vector<BagFile>& bags, const fs::path& file, const cohort::Fingerprint& fingerprint,
                   const ClusterOptions& options, RunContext& context) {
  Array centres = learn_centres(bags, options, context);
  io::AtomicFile output(file);
  io::TorchTensorWriter writer(output.temporary_path(), centres.dtype(), centres.shape(),
                               {{"hipt.json", fingerprint.json()}, {"hipt_version", std::string(version())}});
  writer.append({centres.bytes(), centres.byte_size()});
  writer.close();
  output.commit();
  return centres;
}

void write_ids(const std::vector<BagFile>& bags, const std::vector<std::vector<std::int64_t>>& ids,
               const fs::path& file, const cohort::Fingerprint& fingerprint) {
  io::PickleWriter pickle;
  pickle.begin_dict();
  for (std::size_t i = 0; i < bags.size(); ++i) {
    pickle.text(bags[i].slide_id + ".pt");
    Array values = Array::of<std::int32_t>({std::ssize(ids[i])});
    std::ranges::transform(ids[i], values.as_mutable<std::int32_t>().begin(),
                           [](std::int64_t id) { return static_cast<std::int32_t>(id); });
    pickle.array(values);
  }
  pickle.text(kFingerprintEntry);
  pickle.text(fingerprint.json());
  pickle.end_dict();
  io::write_text_file(file, std::move(pickle).finish());
}

// One array of the file as ids. Throws Corrupt.
std::vector<std::int64_t> checked_ids(const io::TorchValue& value, const std::string& place) {
  const Array* const stored = value.tensor();
  if (stored == nullptr || stored->rank() != 1) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: is no array of one dimension", place));
  }
  const Array values = stored->to_float32();  // whole numbers up to 2^24 stay exact
  std::vector<std::int64_t> ids;
  ids.reserve(values.size());
  for (const float number : values.as<float>()) {
    if (!(number >= 0 && number < kClusters) || number != static_cast<float>(static_cast<int>(number))) {
      throw Error(ErrorCode::Corrupt, fmt::format("{}: patch {} is in cluster {}: 0 to {} are possible", place,
                                                  ids.size(), number, kClusters - 1));
    }
    ids.push_back(static_cast<std::int64_t>(number));
  }
  return ids;
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

}  // namespace

Array learn_centres(const std::vector<BagFile>& bags, const ClusterOptions& options, RunContext& context) {
  const Reservoir sample = sample_cohort(bags, options, context);
  if (sample.count() < kClusters) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("the cohort has {} patches: {} clusters need as many at least", sample.count(), kClusters));
  }
  faiss::ClusteringParameters parameters;
  parameters.niter = static_cast<int>(options.iterations);
  parameters.seed = static_cast<int>(options.seed);
  parameters.min_points_per_centroid = 1;  // below, FAISS prints a warning; above the greatest, it samples once more
  parameters.max_points_per_centroid = static_cast<int>(sample.count());
  faiss::Clustering clustering(static_cast<int>(sample.width()), static_cast<int>(kClusters), parameters);
  context.progress.begin("learn clusters", options.iterations, "iterations");
  with_faiss([&] {
    CentreIndex index(sample.width(), context);
    clustering.train(sample.count(), sample.rows().data(), index);
  });
  Array centres = Array::of<float>({kClusters, sample.width()});
  std::ranges::copy(clustering.centroids, centres.as_mutable<float>().begin());
  return centres;
}

std::vector<std::int64_t> nearest_centres(const Array& bag, const Array& centres) {
  const std::int64_t width = bag.shape().back();
  if (centres.rank() != 2 || centres.dim(0) != kClusters || centres.dim(1) != width) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("centres {} do not fit features {}", to_string(centres.shape()), to_string(bag.shape())));
  }
  const Centres nearest(centres.as<float>().data(), width);
  const std::span<const float> values = bag.as<float>();
  std::vector<std::int64_t> ids(values.size() / static_cast<std::size_t>(width));
  for (std::size_t row = 0; row < ids.size(); ++row) {
    ids[row] = static_cast<std::int64_t>(nearest.nearest(&values[row * static_cast<std::size_t>(width)]).centre);
  }
  return ids;
}

bool write_clusters(const std::vector<BagFile>& bags, const fs::path& folder, bool redo, const ClusterOptions& options,
                    RunContext& context) {
  check_ranges(options);
  const cohort::Fingerprint now = fingerprint_of(bags, options, context);
  const fs::path ids_file = folder / kIdsFile;
  const fs::path centres_path = centres_file(folder);
  const bool ids_there = !redo && is_there(ids_file);
  const bool centres_there = !redo && is_there(centres_path);
  if (ids_there) cohort::require_equal(ids_file, fingerprint_of_ids(ids_file), now);
  if (centres_there) cohort::require_equal(centres_path, parsed(io::read_torch_record(centres_path, "hipt.json")), now);
  if (ids_there && centres_there) return false;

  const Array centres =
      centres_there ? read_centres(centres_path) : made_centres(bags, centres_path, now, options, context);
  std::vector<std::vector<std::int64_t>> ids(bags.size());
  context.progress.begin("assign clusters", static_cast<std::int64_t>(bags.size()), "slides");
  context.pool.parallel_for(
      bags.size(),
      [&](std::size_t i) {
        with_context(bags[i].slide_id, [&] { ids[i] = nearest_centres(read_bag(bags[i].file), centres); });
        context.progress.advance(1);
      },
      context.stop);
  context.progress.end();
  write_ids(bags, ids, ids_file, now);
  return true;
}

ClusterIds read_clusters(const fs::path& fast_cluster_ids) {
  const io::TorchValue value = io::read_pickle_file(fast_cluster_ids);
  const io::TorchDict* const entries = value.dict();
  if (entries == nullptr) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: is no dict from slides to arrays", fast_cluster_ids.string()));
  }
  ClusterIds ids;
  for (const auto& [key, numbers] : *entries) {
    const auto* const name = std::get_if<std::string>(&key.value);
    if (name == nullptr) {
      throw Error(ErrorCode::Corrupt, fmt::format("{}: holds a key that is no name", fast_cluster_ids.string()));
    }
    if (*name == kFingerprintEntry) continue;
    std::string_view slide_id = *name;
    if (slide_id.ends_with(".pt")) slide_id.remove_suffix(3);
    ids.insert_or_assign(std::string(slide_id),
                         checked_ids(numbers, fmt::format("{}: {}", fast_cluster_ids.string(), *name)));
  }
  return ids;
}

Array read_centres(const fs::path& file) {
  const io::TorchValue value = io::read_torch_file(file);
  const Array* const tensor = value.tensor();
  if (tensor == nullptr || tensor->dtype() != DType::Float32 || tensor->rank() != 2 || tensor->dim(0) != kClusters ||
      tensor->dim(1) < 1) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: is no float32 [{}, D]", file.string(), kClusters));
  }
  return tensor->clone();
}

ClusterIds clusters_of(const std::vector<BagFile>& bags, const fs::path& folder, const ClusterOptions& options,
                       RunContext& context) {
  const fs::path file = folder / kIdsFile;
  if (!is_there(file)) write_clusters(bags, folder, false, options, context);
  ClusterIds all = read_clusters(file);
  ClusterIds ids;
  for (const BagFile& bag : bags) {
    auto found = all.extract(bag.slide_id);
    if (found.empty()) {
      throw Error(ErrorCode::Corrupt,
                  fmt::format("{}: has no clusters of {}; `hipt bags clusters` makes them for all slides, "
                              "--no_auto_skip over what is there",
                              file.string(), bag.slide_id));
    }
    ids.insert(std::move(found));
  }
  return ids;
}

}  // namespace hipt::bags
