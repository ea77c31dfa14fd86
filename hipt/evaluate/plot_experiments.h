#pragma once
// hipt evaluate plots: pictures of the results of one or many experiments.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "hipt/base/options.h"
#include "hipt/evaluate/folds.h"
#include "hipt/evaluate/plots.h"

namespace hipt::evaluate {

struct PlotOptions {
  std::string save_dir;
  std::string metric;
  std::string select;
  std::string class_names;
};

template <class Visitor>
void describe(PlotOptions& o, Visitor& v) {
  v(o.save_dir, {.name = "save_dir", .help = "folder of the pictures", .affects = Affects::HowItRuns});
  v(o.metric, {.name = "metric", .help = "boxes of this column alone (test_auc, val_cindex ...); \"\": of all"});
  v(o.select, {.name = "select", .help = "only experiments with this text in \"<results_dir>/<name>\""});
  v(o.class_names, {.name = "class_names", .help = "names of the classes, in order, with commas between"});
}

// Writes <save_dir>/<metric>.png of all experiments, and of each that has split_<k>_results.pkl
// <save_dir>/<experiment>/roc.png and confusion_matrix.png. Returns the files. Throws InvalidArgument for options that
// do not fit what is there, NotFound and Corrupt as read_experiments and read_results_pickle do, and as draw() does.
std::vector<std::filesystem::path> plot_experiments(const std::vector<std::string>& paths, const PlotOptions& options);

// roc.png and confusion_matrix.png in `folder`. Returns the files.
std::vector<std::filesystem::path> plot_predictions(const std::filesystem::path& folder,
                                                    std::span<const Predictions> folds, const PlotTexts& texts);

}  // namespace hipt::evaluate
