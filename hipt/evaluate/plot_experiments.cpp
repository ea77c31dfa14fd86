#include "hipt/evaluate/plot_experiments.h"

#include <algorithm>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/evaluate/summary.h"

namespace hipt::evaluate {
namespace {

namespace fs = std::filesystem;

// Tables of folds alone, and experiments whose folds left no predictions (survival), have no ROC curves.
bool has_predictions(const Experiment& experiment) {
  std::error_code ignored;
  return !experiment.folder.empty() &&
         fs::exists(experiment.folder / fmt::format("split_{}_results.pkl", experiment.folds.front()), ignored);
}

}  // namespace

std::vector<fs::path> plot_predictions(const fs::path& folder, std::span<const Predictions> folds,
                                       const PlotTexts& texts) {
  std::vector<fs::path> files{folder / "roc.png", folder / "confusion_matrix.png"};
  plot_roc(files[0], folds, texts);
  plot_confusion_matrix(files[1], folds, texts);
  return files;
}

std::vector<fs::path> plot_experiments(const std::vector<std::string>& paths, const PlotOptions& options) {
  if (options.save_dir.empty()) {
    throw Error(ErrorCode::InvalidArgument, "--save_dir: name a folder for the pictures");
  }
  const std::vector<Experiment> experiments = read_experiments(paths, options.select);
  std::vector<fs::path> files;
  for (const std::string& metric : metrics_of(experiments, options.metric)) {
    std::string name = metric;
    std::ranges::replace(name, '/', '_');  // it comes from a table
    files.push_back(fs::path(options.save_dir) / (name + ".png"));
    plot_boxes(files.back(), experiments, metric);
  }
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments) {
    if (!has_predictions(experiment)) continue;
    if (std::ranges::find(names, experiment.name) != names.end()) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("two results folders are called {}: draw one at a time", experiment.name));
    }
    names.push_back(experiment.name);
    const std::vector<Predictions> folds = test_predictions(experiment);
    const PlotTexts texts{experiment.name, parts_between_commas(options.class_names)};
    const std::vector<fs::path> of_experiment =
        plot_predictions(fs::path(options.save_dir) / experiment.name, folds, texts);
    files.insert(files.end(), of_experiment.begin(), of_experiment.end());
  }
  return files;
}

}  // namespace hipt::evaluate
