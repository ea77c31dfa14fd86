#pragma once
// hipt evaluate summary: the publication's table over the folds of one or many experiments.

#include <cstdint>
#include <string>
#include <vector>

#include "hipt/base/options.h"
#include "hipt/evaluate/folds.h"
#include "hipt/evaluate/intervals.h"

namespace hipt::evaluate {

enum class TableFormat { Text, Csv, Markdown };
std::span<const EnumName<TableFormat>> enum_names(TableFormat);
enum class TableLayout { List, Models };
std::span<const EnumName<TableLayout>> enum_names(TableLayout);
enum class IntervalMethod { None, DeLong, Bootstrap };
std::span<const EnumName<IntervalMethod>> enum_names(IntervalMethod);

struct SummaryOptions {
  std::string metric;  // empty: all that an experiment has
  std::string select;  // only experiments whose results folder and name hold this text
  TableFormat format = TableFormat::Text;
  TableLayout layout = TableLayout::List;
  std::int64_t digits = 3;
  IntervalMethod interval = IntervalMethod::None;
  double confidence = 0.95;
  std::int64_t rounds = 1000;
  std::int64_t seed = 1;
  bool compare = false;
};

template <class Visitor>
void describe(SummaryOptions& o, Visitor& v) {
  v(o.metric, {.name = "metric", .help = "only this column (test_auc, val_cindex ...); \"\": all"});
  v(o.select, {.name = "select", .help = "only experiments with this text in \"<results_dir>/<name>\""});
  v(o.format, {.name = "format", .help = "how the table is laid out"});
  v(o.layout, {.name = "layout",
               .help = "one row an experiment, or the publication's: a row a model, a column a task "
                       "and part of the training slides (one metric)"});
  v(o.digits, {.name = "digits", .help = "decimals", .min = 0, .max = 17});
  v(o.interval, {.name = "interval",
                 .help = "confidence interval of the test AUC from split_<k>_results.pkl (DeLong: two classes)"});
  v(o.confidence, {.name = "confidence", .help = "of the interval", .min = 0.5, .max = 0.9999});
  v(o.rounds, {.name = "rounds", .help = "samples of the bootstrap", .min = 1, .max = 1000000});
  v(o.seed, {.name = "seed", .help = "of the bootstrap", .min = 0});
  v(o.compare, {.name = "compare", .help = "DeLong's paired test between two results folders"});
}

// The table as text, ending with a line end. `paths` are what read_experiments takes. Throws InvalidArgument for
// options that do not fit what is there, NotFound and Corrupt as read_experiments does.
std::string summary_table(const std::vector<std::string>& paths, const SummaryOptions& options);

// "0.874 +/- 0.060" with the sign that stands for +/-.
std::string mean_and_deviation(const MeanOverFolds& mean, std::int64_t digits);

// The predictions on the test slides of every fold of a results folder: split_<k>_results.pkl. Throws NotFound naming
// the first that is missing.
std::vector<Predictions> test_predictions(const Experiment& experiment);

}  // namespace hipt::evaluate
