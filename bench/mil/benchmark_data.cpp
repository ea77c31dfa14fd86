#include "bench/mil/benchmark_data.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "hipt/bags/clusters.h"
#include "hipt/bags/graphs.h"
#include "hipt/bags/splits.h"
#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/io/csv.h"
#include "hipt/io/torch_file.h"

namespace hipt::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFirstFeature = 2;  // after bag and label

double number_at(const fs::path& csv, const io::CsvTable& table, std::size_t row, std::size_t column) {
  const auto value = parse_number<double>(table.rows[row][column]);
  if (!value || !std::isfinite(*value)) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: row {}: {} is no number", csv.string(), row + 2, table.columns[column]));
  }
  return *value;
}

// To mean 0 and deviation 1 over all instances, column by column; constant columns to 0.
void standardise(std::vector<std::vector<double>>& rows) {
  for (std::size_t column = 0; column < rows.front().size(); ++column) {
    double mean = 0.0;
    double squares = 0.0;
    for (const auto& row : rows) mean += row[column];
    mean /= static_cast<double>(rows.size());
    for (const auto& row : rows) squares += (row[column] - mean) * (row[column] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rows.size()));
    for (auto& row : rows) row[column] = deviation > 0 ? (row[column] - mean) / deviation : 0.0;
  }
}

// A patch of a bag of one has no neighbour: it hears itself.
std::vector<mil::Edge> edges_of(const Array& features, RunContext& context) {
  const Array edges = bags::nearest_by_features(features, bags::GraphOptions{}.neighbours, context);
  if (edges.empty()) return {{.source = 0, .target = 0}};
  const std::span<const std::int64_t> ends = edges.as<std::int64_t>();
  std::vector<mil::Edge> result;
  for (std::size_t i = 0; i < ends.size() / 2; ++i) {
    result.push_back({.source = ends[i], .target = ends[ends.size() / 2 + i]});
  }
  return result;
}

// Clusters by the same files and calls as for slides.
void add_clusters(BenchmarkData& data, RunContext& context) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("hipt_bench_mil_{}", data.name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::vector<bags::BagFile> files;
  for (std::size_t i = 0; i < data.bags.size(); ++i) {
    const Array& features = data.bags[i].features;
    files.push_back({fmt::format("{:04}", i), folder / fmt::format("{:04}.pt", i)});
    io::TorchTensorWriter writer(files.back().file, features.dtype(), features.shape());
    writer.append({features.bytes(), features.byte_size()});
    writer.close();
  }
  const bags::ClusterIds ids = bags::clusters_of(files, folder, {}, context);
  for (std::size_t i = 0; i < data.bags.size(); ++i) data.bags[i].clusters = ids.at(files[i].slide_id);
  fs::remove_all(folder);
}

}  // namespace

BenchmarkData read_benchmark(const fs::path& csv, RunContext& context) {
  const io::CsvTable table = io::read_csv(csv);
  if (table.columns.size() <= kFirstFeature || table.columns[0] != "bag" || table.columns[1] != "label" ||
      table.rows.empty()) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: expected the columns bag, label, f0, f1 ...", csv.string()));
  }
  BenchmarkData data{.name = csv.stem().string(), .bags = {}, .labels = {}, .dim = 0};
  const std::size_t dim = table.columns.size() - kFirstFeature;
  data.dim = static_cast<std::int64_t>(dim);
  std::vector<std::vector<double>> instances;
  std::map<std::string, std::vector<std::size_t>> rows_of_bags;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    std::vector<double> values;
    for (std::size_t column = 0; column < dim; ++column) {
      values.push_back(number_at(csv, table, row, column + kFirstFeature));
    }
    instances.push_back(std::move(values));
    rows_of_bags[table.rows[row][0]].push_back(row);
  }
  standardise(instances);
  for (const auto& [name, rows] : rows_of_bags) {
    mil::Bag bag{.features = Array::of<float>({std::ssize(rows), data.dim}), .clusters = {}, .edges = {}};
    const std::span<float> values = bag.features.as_mutable<float>();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::ranges::transform(instances[rows[i]], values.begin() + static_cast<std::ptrdiff_t>(i * dim),
                             [](double value) { return static_cast<float>(value); });
    }
    bag.edges = edges_of(bag.features, context);
    data.labels.push_back(number_at(csv, table, rows.front(), 1) > 0 ? 1 : 0);
    data.bags.push_back(std::move(bag));
  }
  add_clusters(data, context);
  return data;
}

std::vector<std::vector<std::size_t>> stratified_folds(const std::vector<std::int64_t>& labels, std::int64_t folds,
                                                       std::uint32_t seed) {
  bags::Dataset dataset{.slides = {}, .classes = 2};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    dataset.slides.push_back({std::to_string(i), std::to_string(i), labels[i]});
  }
  std::vector<std::vector<std::size_t>> parts;
  for (bags::Split& split : bags::make_splits(dataset, folds, seed)) parts.push_back(std::move(split.test));
  return parts;
}

}  // namespace hipt::bench
