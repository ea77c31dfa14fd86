#include "hipt/evaluate/summary.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/evaluate/metrics.h"
#include "hipt/evaluate/text_table.h"

namespace hipt::evaluate {
namespace {

std::string cell_of(const Experiment& experiment, const std::string& metric, std::int64_t digits) {
  const std::optional<MeanOverFolds> mean = mean_over_folds(experiment, metric);
  return mean ? mean_and_deviation(*mean, digits) : "";
}

std::string interval_of(const Experiment& experiment, const SummaryOptions& options) {
  const std::vector<Predictions> folds = test_predictions(experiment);
  Interval interval;
  if (options.interval == IntervalMethod::DeLong) {
    interval = delong_interval(delong(folds), options.confidence);
  } else {
    interval = bootstrap_interval(
        folds, [](const Predictions& fold) { return auc(fold).value_or(0); }, options.confidence, options.rounds,
        static_cast<std::uint64_t>(options.seed));
  }
  return fmt::format("{:.{}f} to {:.{}f}", interval.low, options.digits, interval.high, options.digits);
}

io::CsvTable list_table(const std::vector<Experiment>& experiments, const SummaryOptions& options) {
  const std::vector<std::string> metrics = metrics_of(experiments, options.metric);
  const bool grouped = std::ranges::any_of(experiments, [](const Experiment& e) { return !e.group.empty(); });
  io::CsvTable table;
  if (grouped) table.columns.emplace_back("results_dir");
  table.columns.insert(table.columns.end(), {"experiment", "folds"});
  table.columns.insert(table.columns.end(), metrics.begin(), metrics.end());
  if (options.interval != IntervalMethod::None) {
    table.columns.push_back(fmt::format("test_auc {:g} %", 100 * options.confidence));
  }
  for (const Experiment& experiment : experiments) {
    std::vector<std::string> row;
    if (grouped) row.push_back(experiment.group);
    row.insert(row.end(), {experiment.name, fmt::format("{}", experiment.folds.size())});
    for (const std::string& metric : metrics) row.push_back(cell_of(experiment, metric, options.digits));
    if (options.interval != IntervalMethod::None) row.push_back(interval_of(experiment, options));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// A row a model, a column a task and part of the training slides, in the order in which they come.
io::CsvTable model_table(const std::vector<Experiment>& experiments, const SummaryOptions& options) {
  const std::string metric = options.metric.empty() ? "test_auc" : options.metric;
  metrics_of(experiments, metric);
  io::CsvTable table{{"model"}, {}};
  for (const Experiment& experiment : experiments) {
    const std::optional<ExperimentName> name = parse_experiment_name(experiment.name);
    if (!name) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{}: the name does not say task, model, features and part of the slides; take "
                              "--layout list",
                              experiment.name));
    }
    const std::string column = fmt::format("{} {}", name->task, name->prop);
    auto place = std::ranges::find(table.columns, column);
    if (place == table.columns.end()) place = table.columns.insert(table.columns.end(), column);
    const auto at = static_cast<std::size_t>(place - table.columns.begin());
    const std::string model = published_model_name(name->model);
    auto row = std::ranges::find_if(table.rows, [&](const auto& r) { return r.front() == model; });
    if (row == table.rows.end()) row = table.rows.insert(table.rows.end(), {model});
    if (row->size() <= at) row->resize(at + 1);
    if (!(*row)[at].empty()) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{} and {} would share a place of the table: choose with --select", model, column));
    }
    (*row)[at] = cell_of(experiment, metric, options.digits);
  }
  for (std::vector<std::string>& row : table.rows) row.resize(table.columns.size());
  return table;
}

io::CsvTable comparison_table(const std::vector<Experiment>& experiments, const SummaryOptions& options) {
  if (experiments.size() != 2) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--compare: needs two experiments, there are {}", experiments.size()));
  }
  const std::vector<Predictions> first = test_predictions(experiments[0]);
  const std::vector<Predictions> second = test_predictions(experiments[1]);
  const PairedTest test = delong_test(first, second);
  return {{"first", "second", "AUC first", "AUC second", "difference", "z", "p"},
          {{experiments[0].name, experiments[1].name, fmt::format("{:.{}f}", test.first.auc, options.digits),
            fmt::format("{:.{}f}", test.second.auc, options.digits),
            fmt::format("{:.{}f}", test.first.auc - test.second.auc, options.digits), fmt::format("{:.3f}", test.z),
            fmt::format("{:.3g}", test.p)}}};
}

}  // namespace

std::span<const EnumName<TableFormat>> enum_names(TableFormat) {
  static constexpr EnumName<TableFormat> kNames[] = {
      {TableFormat::Text, "text"}, {TableFormat::Csv, "csv"}, {TableFormat::Markdown, "markdown"}};
  return kNames;
}

std::span<const EnumName<TableLayout>> enum_names(TableLayout) {
  static constexpr EnumName<TableLayout> kNames[] = {{TableLayout::List, "list"}, {TableLayout::Models, "models"}};
  return kNames;
}

std::span<const EnumName<IntervalMethod>> enum_names(IntervalMethod) {
  static constexpr EnumName<IntervalMethod> kNames[] = {
      {IntervalMethod::None, "none"}, {IntervalMethod::DeLong, "delong"}, {IntervalMethod::Bootstrap, "bootstrap"}};
  return kNames;
}

std::string mean_and_deviation(const MeanOverFolds& mean, std::int64_t digits) {
  if (!mean.deviation) return fmt::format("{:.{}f}", mean.mean, digits);
  return fmt::format("{:.{}f} ± {:.{}f}", mean.mean, digits, *mean.deviation, digits);
}

std::vector<Predictions> test_predictions(const Experiment& experiment) {
  if (experiment.folder.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: predictions lie in a results folder; a table of folds has none", experiment.name));
  }
  std::vector<Predictions> folds;
  for (const std::int64_t fold : experiment.folds) {
    folds.push_back(read_results_pickle(experiment.folder / fmt::format("split_{}_results.pkl", fold)));
  }
  return folds;
}

std::string summary_table(const std::vector<std::string>& paths, const SummaryOptions& options) {
  check_ranges(options);
  const std::vector<Experiment> experiments = read_experiments(paths, options.select);
  io::CsvTable table;
  if (options.compare) {
    table = comparison_table(experiments, options);
  } else if (options.layout == TableLayout::Models) {
    table = model_table(experiments, options);
  } else {
    table = list_table(experiments, options);
  }
  switch (options.format) {
    case TableFormat::Text:
      return plain_text(table);
    case TableFormat::Csv:
      return io::csv_text(table);
    case TableFormat::Markdown:
      return markdown_text(table);
  }
  return {};
}

}  // namespace hipt::evaluate
