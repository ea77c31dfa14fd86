#pragma once
// What training a fold gave, and the file that keeps it (fold_<k>.json).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hipt/cohort/fingerprint.h"

namespace hipt::subtype {

// Numbers under the names that the published program gives TensorBoard: "train/loss", "val/auc" ...
using Scalars = std::vector<std::pair<std::string, double>>;

struct EarlyStopping {
  std::optional<double> least_loss;  // of validation
  std::int64_t since = 0;            // epochs without a smaller one
};

struct FoldResult {
  std::int64_t fold = 0;
  cohort::Fingerprint fingerprint;
  std::vector<Scalars> epochs;  // one an epoch that was trained
  EarlyStopping stopping;
  Scalars final;  // "final/val_auc", "final/test_error", "final/test_class_0_acc" ...; empty until the fold is finished

  bool finished() const { return !final.empty(); }
  // Of `final`; nothing where it is not defined, such as an AUC over one class.
  std::optional<double> measure(const std::string& name) const;
};

std::string to_json(const FoldResult& result);
// Throws Corrupt.
FoldResult fold_result_from_json(const std::string& text);

// Nothing when there is no such file. Throws Corrupt, naming it.
std::optional<FoldResult> read_fold_result(const std::filesystem::path& file);

}  // namespace hipt::subtype
