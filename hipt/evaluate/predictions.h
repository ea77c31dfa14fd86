#pragma once
// What a classifier says of slides, and how that is kept in files.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hipt::evaluate {

// Rows of one set of slides. `probabilities` is [slides, classes], row-major.
struct Predictions {
  std::int64_t classes = 0;
  std::vector<std::string> slide_ids;
  std::vector<std::int64_t> labels;  // 0 .. classes - 1
  std::vector<double> probabilities;

  std::size_t size() const { return labels.size(); }
  double probability(std::size_t row, std::int64_t label) const {
    return probabilities[row * static_cast<std::size_t>(classes) + static_cast<std::size_t>(label)];
  }
  // Of one class, one a slide.
  std::vector<double> scores(std::int64_t label) const;
};

// Throws InvalidArgument naming the row when sizes do not fit, a label is no class, or a probability is not finite.
void check(const Predictions& predictions);

// split_<k>_results.pkl of the published program: a dict of slide id -> {'slide_id': array of text, 'prob': float32
// [1, classes], 'label': int}. pickle.load and pandas.read_pickle open it where numpy is there; written without Python.
void write_results_pickle(const std::filesystem::path& file, const Predictions& predictions);

// Reads ours and the published program's. Nothing in the file is executed. Throws NotFound or Corrupt, naming the file
// and the slide.
Predictions read_results_pickle(const std::filesystem::path& file);

}  // namespace hipt::evaluate
