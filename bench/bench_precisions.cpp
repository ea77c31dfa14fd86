// What the precisions of ViT-256 cost in use: nearest neighbours among labelled tiles by the features of each, and the
// distance to the features in f32. A precision that this machine has no instructions for is emulated: slow, but the
// features are those of a machine that has them, up to the order of sums.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/thread_pool.h"
#include "hipt/image/read.h"
#include "hipt/io/csv.h"
#include "hipt/vit/engine.h"

#include "bench/bench.h"

namespace hipt::bench {
namespace {

constexpr std::size_t kDim = 384;

struct Tiles {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> labels;
  std::vector<bool> tested;  // the others are those that neighbours are looked for among
};

// The tiles of tiles/oscc (../shared/data/SOURCES.md): normal tissue and carcinoma of the mouth, 224 px.
Tiles labelled_tiles() {
  const char* const chosen = std::getenv("HIPT_TEST_DATA");
  const std::filesystem::path data =
      chosen != nullptr ? std::filesystem::path(chosen) : std::filesystem::path(HIPT_SOURCE_DIR) / "../shared/data";
  const std::filesystem::path folder = data / "tiles/oscc";
  const io::CsvTable table = io::read_csv(folder / "labels.csv");
  const auto column = [&](std::string_view name) {
    const auto found = table.column(name);
    if (!found) throw Error(ErrorCode::Corrupt, fmt::format("{}/labels.csv: no column {}", folder.string(), name));
    return *found;
  };
  const std::size_t path = column("path"), label = column("label"), split = column("split");
  Tiles tiles;
  for (const std::vector<std::string>& row : table.rows) {
    tiles.files.push_back(folder / row[path]);
    tiles.labels.push_back(row[label]);
    tiles.tested.push_back(row[split] == "test");
  }
  return tiles;
}

// [tiles, kDim], each of length 1.
std::vector<float> features_of(const Tiles& tiles, const vit::Engine& engine) {
  std::vector<float> features(tiles.files.size() * kDim);
  std::atomic<std::size_t> next = 0;
  seconds_on_threads(usable_cores(), [&](std::size_t) {
    vit::prepare_engine_thread();
    for (std::size_t i = next++; i < tiles.files.size(); i = next++) {
      const image::RgbImage tile = image::read_picture(tiles.files[i]);
      const RgbView view = tile.view();
      const std::span<float> out = std::span(features).subspan(i * kDim, kDim);
      engine.encode({&view, 1}, out);
      double square = 0.0;
      for (const float value : out) square += double{value} * double{value};
      for (float& value : out) value = static_cast<float>(value / std::sqrt(square));
    }
  });
  return features;
}

double cosine(const float* a, const float* b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < kDim; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

// The 20 nearest by cosine vote with exp(cosine / 0.07), as DINO's evaluation does (Caron et al. 2021).
double accuracy(const Tiles& tiles, const std::vector<float>& features) {
  constexpr std::size_t kNeighbours = 20;
  std::size_t right = 0, tested = 0;
  for (std::size_t i = 0; i < tiles.files.size(); ++i) {
    if (!tiles.tested[i]) continue;
    std::vector<std::pair<double, std::size_t>> nearest;
    for (std::size_t j = 0; j < tiles.files.size(); ++j) {
      if (!tiles.tested[j]) nearest.emplace_back(-cosine(&features[i * kDim], &features[j * kDim]), j);
    }
    std::ranges::sort(nearest);
    std::map<std::string, double> votes;
    for (std::size_t n = 0; n < std::min(kNeighbours, nearest.size()); ++n) {
      votes[tiles.labels[nearest[n].second]] += std::exp((-nearest[n].first - 1.0) / 0.07);
    }
    const auto winner = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
    right += winner->first == tiles.labels[i];
    ++tested;
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(tested);
}

}  // namespace

void bench_precisions() {
  const Tiles tiles = labelled_tiles();
  const auto weights = vit::weights_from("random:gold1", vit::named_config("vit_small"));
  std::vector<float> exact;
  fmt::print("\n{} tiles of tiles/oscc, ViT-256 with formula weights, 20 nearest neighbours by cosine\n",
             tiles.files.size());
  fmt::print("{:<12}{:>12}{:>28}{:>14}\n", "precision", "accuracy %", "least cosine to f32", "");
  for (const EnumName<vit::Precision>& precision : enum_names(vit::Precision{})) {
    const auto engine = vit::make_cpu_engine(weights, precision.value, vit::IfLacking::Emulate);
    const std::vector<float> features = features_of(tiles, *engine);
    if (exact.empty()) exact = features;
    double least = 1.0;
    for (std::size_t i = 0; i < features.size(); i += kDim) least = std::min(least, cosine(&features[i], &exact[i]));
    fmt::print("{:<12}{:>12.2f}{:>28.7f}{:>14}\n", precision.name, accuracy(tiles, features), least,
               vit::has_instructions(precision.value) ? "" : "emulated");
  }
}

}  // namespace hipt::bench
