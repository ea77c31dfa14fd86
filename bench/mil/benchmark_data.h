#pragma once
// The five small data sets that models over bags are compared on since Andrews et al. 2003: molecules (MUSK1, MUSK2)
// and pictures cut into segments (Elephant, Fox, Tiger).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/base/run_context.h"
#include "hipt/mil/bag.h"

namespace hipt::bench {

struct BenchmarkData {
  std::string name;
  std::vector<mil::Bag> bags;  // features standardised over all instances; clusters and edges as mi_fcn and dgcn take
  std::vector<std::int64_t> labels;  // 0 or 1
  std::int64_t dim = 0;
};

// Of a table bag,label,f0,f1 ... with a row an instance. Throws Corrupt naming the file and the row.
BenchmarkData read_benchmark(const std::filesystem::path& csv, RunContext& context);

// Places of the bags in `folds` parts, each class spread evenly over them; the seed shuffles.
std::vector<std::vector<std::size_t>> stratified_folds(const std::vector<std::int64_t>& labels, std::int64_t folds,
                                                       std::uint32_t seed);

}  // namespace hipt::bench
