#include "hipt/evaluate/folds.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/io/csv.h"

namespace hipt::evaluate {
namespace {

namespace fs = std::filesystem;

// What the publication calls its models.
constexpr std::pair<std::string_view, std::string_view> kModelNames[] = {
    {"mil", "MIL"},      {"clam_sb", "CLAM-SB"}, {"mi_fcn", "DeepAttnMISL"},
    {"dsmil", "DS-MIL"}, {"dgcn", "DGCN"},       {"hipt_lgp[vit4k_xs_dino]_freeze_[None]", "HIPT"},
};

std::optional<double> number_in(const std::string& text, std::size_t row) {
  if (text.empty() || text == "nan" || text == "NaN") return std::nullopt;
  const std::optional<double> value = parse_number<double>(text);
  if (!value || !std::isfinite(*value)) {
    throw Error(ErrorCode::Corrupt, fmt::format("row {}: \"{}\" is no number", row, text));
  }
  return value;
}

std::int64_t fold_in(const std::string& text, std::size_t row) {
  const std::optional<double> value = number_in(text, row);
  if (!value || *value != std::floor(*value) || std::abs(*value) > 1e6) {
    throw Error(ErrorCode::Corrupt, fmt::format("row {}: \"{}\" is no fold", row, text));
  }
  return static_cast<std::int64_t>(*value);
}

// Columns that say which row it is; all others are metrics.
struct Columns {
  std::optional<std::size_t> group;
  std::optional<std::size_t> experiment;
  std::size_t fold = 0;
  std::vector<std::size_t> metrics;
};

Columns columns_of(const io::CsvTable& table) {
  Columns columns{.group = table.column("results_dir"), .experiment = table.column("experiment"), .metrics = {}};
  std::optional<std::size_t> fold = table.column("folds");
  if (!fold) fold = table.column("fold");
  if (!fold) throw Error(ErrorCode::Corrupt, "has no column \"folds\" or \"fold\": no table of cross-validation");
  columns.fold = *fold;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (i == fold || i == columns.group || i == columns.experiment || table.columns[i].empty()) continue;
    columns.metrics.push_back(i);
  }
  return columns;
}

std::vector<Experiment> experiments_in(const fs::path& file, const std::string& name, const fs::path& folder) {
  const io::CsvTable table = io::read_csv(file);
  return with_context(file.string(), [&] {
    const Columns columns = columns_of(table);
    std::vector<Experiment> experiments;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const std::vector<std::string>& row = table.rows[i];
      Experiment wanted;
      wanted.group = columns.group ? row[*columns.group] : "";
      wanted.name = columns.experiment ? row[*columns.experiment] : name;
      auto found = std::ranges::find_if(
          experiments, [&](const Experiment& e) { return e.group == wanted.group && e.name == wanted.name; });
      if (found == experiments.end()) {
        wanted.folder = folder;
        for (const std::size_t metric : columns.metrics) wanted.metrics.push_back(table.columns[metric]);
        wanted.values.resize(columns.metrics.size());
        found = experiments.insert(experiments.end(), std::move(wanted));
      }
      const std::int64_t fold = fold_in(row[columns.fold], i + 2);
      if (std::ranges::find(found->folds, fold) != found->folds.end()) {
        throw Error(ErrorCode::Corrupt, fmt::format("row {}: fold {} of {} stands twice", i + 2, fold, found->name));
      }
      found->folds.push_back(fold);
      for (std::size_t m = 0; m < columns.metrics.size(); ++m) {
        found->values[m].push_back(number_in(row[columns.metrics[m]], i + 2));
      }
    }
    if (experiments.empty()) throw Error(ErrorCode::Corrupt, "has no row");
    return experiments;
  });
}

}  // namespace

std::optional<MeanOverFolds> mean_over_folds(const Experiment& experiment, std::string_view metric) {
  const auto found = std::ranges::find(experiment.metrics, metric);
  if (found == experiment.metrics.end()) return std::nullopt;
  const auto& values = experiment.values[static_cast<std::size_t>(found - experiment.metrics.begin())];
  MeanOverFolds result;
  double sum = 0;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    sum += *value;
    ++result.folds;
  }
  if (result.folds == 0) return std::nullopt;
  result.mean = sum / static_cast<double>(result.folds);
  double squares = 0;
  for (const std::optional<double>& value : values) {
    if (value) squares += (*value - result.mean) * (*value - result.mean);
  }
  if (result.folds > 1) result.deviation = std::sqrt(squares / static_cast<double>(result.folds - 1));
  return result;
}

std::vector<Experiment> read_experiments(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    const std::string file_name = path.filename().string();
    const bool in_folder = file_name.starts_with("summary");
    const fs::path folder = fs::absolute(path, ignored).parent_path();
    return experiments_in(path, in_folder ? folder.filename().string() : path.stem().string(),
                          in_folder ? folder : fs::path());
  }
  fs::path named = fs::absolute(path, ignored).lexically_normal();
  if (named.filename().empty()) named = named.parent_path();  // the path ended with a slash
  for (const std::string_view file : {"summary.csv", "summary_latest.csv"}) {
    if (fs::is_regular_file(path / file, ignored)) return experiments_in(path / file, named.filename().string(), named);
  }
  throw Error(ErrorCode::NotFound,
              fmt::format("{}: holds neither summary.csv nor summary_latest.csv: no results folder", path.string()));
}

std::vector<Experiment> read_experiments(const std::vector<std::string>& paths, const std::string& select) {
  std::vector<Experiment> experiments;
  for (const std::string& path : paths) {
    for (Experiment& experiment : read_experiments(path)) {
      if ((experiment.group + "/" + experiment.name).find(select) == std::string::npos) continue;
      experiments.push_back(std::move(experiment));
    }
  }
  if (experiments.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("no experiment has \"{}\" in its name (--select)", select));
  }
  return experiments;
}

std::vector<std::string> metrics_of(const std::vector<Experiment>& experiments, const std::string& wanted) {
  std::vector<std::string> metrics;
  for (const Experiment& experiment : experiments) {
    for (const std::string& metric : experiment.metrics) {
      if ((wanted.empty() || wanted == metric) && std::ranges::find(metrics, metric) == metrics.end()) {
        metrics.push_back(metric);
      }
    }
  }
  if (metrics.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("no experiment has the column \"{}\" (--metric)", wanted));
  }
  return metrics;
}

void write_summary_csv(const fs::path& file, const Experiment& experiment) {
  io::CsvTable table{{"", "folds"}, {}};
  table.columns.insert(table.columns.end(), experiment.metrics.begin(), experiment.metrics.end());
  for (std::size_t i = 0; i < experiment.folds.size(); ++i) {
    std::vector<std::string> row{fmt::format("{}", i), fmt::format("{}", experiment.folds[i])};
    for (const auto& values : experiment.values) row.push_back(values[i] ? fmt::format("{}", *values[i]) : "");
    table.rows.push_back(std::move(row));
  }
  io::write_csv(file, table);
}

std::optional<ExperimentName> parse_experiment_name(std::string_view name) {
  static constexpr std::string_view kTaskEnd = "_subtype_";
  static constexpr std::string_view kFeatures[] = {"vits_tcga_pancancer_dino", "resnet50_trunc", "vit4k_xs_dino"};
  const std::size_t task_end = name.find(kTaskEnd);
  if (task_end == std::string_view::npos) return std::nullopt;
  ExperimentName parts;
  parts.task = name.substr(0, task_end + kTaskEnd.size() - 1);
  std::string_view rest = name.substr(task_end + kTaskEnd.size());
  for (const std::string_view features : kFeatures) {
    const std::size_t at = rest.rfind("_" + std::string(features) + "_");
    if (at == std::string_view::npos) continue;
    parts.model = rest.substr(0, at);
    parts.features = features;
    rest = rest.substr(at + features.size() + 2);
    parts.prop = rest.substr(0, rest.find('_'));
    return parts;
  }
  return std::nullopt;
}

std::string published_model_name(std::string_view model) {
  for (const auto& [name, published] : kModelNames) {
    if (name == model) return std::string(published);
  }
  return std::string(model);
}

}  // namespace hipt::evaluate
