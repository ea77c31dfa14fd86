#pragma once
// Numbers of cross-validation: one row a fold, as summary.csv of the published program holds them, and their means.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hipt::evaluate {

// The folds of one experiment.
struct Experiment {
  std::string group;                 // results_dir of a table of many experiments; empty otherwise
  std::string name;                  // "tcga_brca_subtype_mil_vits_tcga_pancancer_dino_1.00_none_s1"
  std::filesystem::path folder;      // of a results folder, where split_<k>_results.pkl lie; empty otherwise
  std::vector<std::string> metrics;  // "test_auc", "val_auc", "test_acc", "val_acc", or "val_cindex"
  std::vector<std::int64_t> folds;   // numbers of the folds
  std::vector<std::vector<std::optional<double>>> values;  // of each metric, one a fold; nothing where blank or nan
};

// Mean and sample standard deviation (divided by n - 1; nothing for one fold) over the folds that have a value.
struct MeanOverFolds {
  std::int64_t folds = 0;
  double mean = 0;
  std::optional<double> deviation;
};
std::optional<MeanOverFolds> mean_over_folds(const Experiment& experiment, std::string_view metric);

// `path` is a results folder (its summary.csv, or summary_latest.csv of survival), such a file, or one table of many
// experiments with the columns [results_dir,] experiment, fold and one a metric. Experiments keep the order of the
// file. Throws NotFound or Corrupt, naming the file and the row.
std::vector<Experiment> read_experiments(const std::filesystem::path& path);
// Those of many paths that have `select` in "<group>/<name>". Throws InvalidArgument when none has.
std::vector<Experiment> read_experiments(const std::vector<std::string>& paths, const std::string& select);
// The metrics of all, each once, in the order in which they come; `wanted` alone unless it is empty. Throws
// InvalidArgument when there are none.
std::vector<std::string> metrics_of(const std::vector<Experiment>& experiments, const std::string& wanted);

// summary.csv of the published program: ",folds,test_auc,val_auc,test_acc,val_acc" for those metrics, numbers in the
// shortest form that reads back to the same value, as pandas writes them.
void write_summary_csv(const std::filesystem::path& file, const Experiment& experiment);

// What the name of a published experiment says: "tcga_brca_subtype_mil_vits_tcga_pancancer_dino_0.25_none_s1" is the
// task tcga_brca_subtype, the model mil, the features vits_tcga_pancancer_dino, a quarter of the training slides,
// seed 1.
struct ExperimentName {
  std::string task;
  std::string model;
  std::string features;
  std::string prop;
};
std::optional<ExperimentName> parse_experiment_name(std::string_view name);
// What the publication's tables call that model ("mil" is MIL); others keep their name.
std::string published_model_name(std::string_view model);

}  // namespace hipt::evaluate
