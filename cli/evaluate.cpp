// hipt evaluate: tables and pictures of results.

#include <cstdio>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/evaluate/plot_experiments.h"
#include "hipt/evaluate/summary.h"

#include "cli/parser.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

int evaluate_summary(Arguments arguments) {
  std::vector<std::string> paths;
  evaluate::SummaryOptions options;
  Parser parser({.verb = "evaluate summary",
                 .summary = "Mean and standard deviation over folds, as the publication's tables have them, from "
                            "results folders (their summary.csv) or tables of many experiments.",
                 .example = "hipt evaluate summary results/5foldcv/* --metric test_auc --format markdown"});
  parser.positional("DIR", "results folders, or CSV files with a column experiment", paths);
  parser.declare("Table", options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  fmt::print("{}", evaluate::summary_table(paths, options));
  return 0;
}

int evaluate_plots(Arguments arguments) {
  std::vector<std::string> paths;
  evaluate::PlotOptions options;
  Parser parser({.verb = "evaluate plots",
                 .summary =
                     "Pictures of results (PNG, by gnuplot): boxes of every metric over folds; of results folders "
                     "ROC curves with their mean and band, and the confusion matrix.",
                 .example = "hipt evaluate plots results/5foldcv/* --save_dir plots --class_names IDC,ILC"});
  parser.positional("DIR", "results folders, or CSV files with a column experiment", paths);
  parser.declare("Pictures", options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  for (const std::filesystem::path& file : evaluate::plot_experiments(paths, options)) {
    fmt::print("{}\n", file.string());
  }
  return 0;
}

}  // namespace

int run_evaluate(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    fmt::print(
        "usage: hipt evaluate <what> [--flags]\n\n"
        "  summary     mean and deviation over folds, intervals, a paired test of two models\n"
        "  plots       ROC curves, confusion matrices and boxes as PNG\n\n"
        "`hipt evaluate <what> --help` gives flags and an example.\n");
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "summary") return evaluate_summary(arguments.subspan(1));
  if (arguments[0] == "plots") return evaluate_plots(arguments.subspan(1));
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("no \"{}\" to evaluate; `hipt evaluate --help` lists what there is", arguments[0]));
}

}  // namespace hipt::cli
