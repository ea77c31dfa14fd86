#include "hipt/bags/dataset.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/cohort/studies.h"
#include "hipt/io/csv.h"
#include "hipt/slide/slide.h"

namespace hipt::bags {
namespace {

constexpr std::int64_t kMostClasses = 1000;

std::vector<Task> known_tasks() {
  const auto studies = [](std::string_view group) { return cohort::studies_of_task(group); };
  return {{"tcga_brca_subtype", "oncotree_code", {{"IDC", 0}, {"ILC", 1}}, studies("tcga_brca")},
          {"tcga_lung_subtype", "oncotree_code", {{"LUAD", 0}, {"LUSC", 1}}, studies("tcga_lung")},
          {"tcga_kidney_subtype", "oncotree_code", {{"CCRCC", 0}, {"PRCC", 1}, {"CHRCC", 2}}, studies("tcga_kidney")}};
}

std::int64_t class_in(const std::string& text, std::size_t row) {
  const std::optional<std::int64_t> label = parse_number<std::int64_t>(text);
  if (!label || *label < 0 || *label >= kMostClasses) {
    throw Error(ErrorCode::Corrupt, fmt::format("row {}: class \"{}\": expected 0, 1, 2 ...", row, text));
  }
  return *label;
}

Task read_task(const std::filesystem::path& file) {
  const io::CsvTable table = io::read_csv(file);
  return with_context(file.string(), [&] {
    if (table.columns.size() != 2 || table.columns[1] != "class") {
      throw Error(ErrorCode::Corrupt, "a task's file has two columns: one of the dataset's, and \"class\"");
    }
    Task task{file.stem().string(), table.columns[0], {}, {}};
    std::set<std::string> values;
    std::set<std::int64_t> labels;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const std::int64_t label = class_in(table.rows[i][1], i + 2);
      if (!values.insert(table.rows[i][0]).second) {
        throw Error(ErrorCode::Corrupt, fmt::format("row {}: \"{}\" stands twice", i + 2, table.rows[i][0]));
      }
      labels.insert(label);
      task.classes_of_values.emplace_back(table.rows[i][0], label);
    }
    if (labels.size() < 2 || *labels.rbegin() != std::ssize(labels) - 1) {
      throw Error(ErrorCode::Corrupt, "the classes must be 0, 1 ... without a gap, two at least");
    }
    return task;
  });
}

std::size_t require_column(const io::CsvTable& table, const std::string& name) {
  const auto column = table.column(name);
  if (!column) throw Error(ErrorCode::Corrupt, fmt::format("has no column \"{}\"", name));
  return *column;
}

void require_every_class(const Dataset& dataset, const Task& task) {
  for (std::int64_t label = 0; label < dataset.classes; ++label) {
    if (std::ranges::find(dataset.slides, label, &DatasetSlide::label) != dataset.slides.end()) continue;
    throw Error(ErrorCode::Corrupt,
                fmt::format("no slide is of class {} of {} (column {}): is the table one of this task?", label,
                            task.name, task.label_column));
  }
}

}  // namespace

std::int64_t Task::classes() const {
  std::int64_t count = 0;
  for (const auto& [value, label] : classes_of_values) count = std::max(count, label + 1);
  return count;
}

Task find_task(std::string_view name_or_file) {
  for (Task& task : known_tasks()) {
    if (task.name == name_or_file) return std::move(task);
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name_or_file, ignored)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("task \"{}\": neither tcga_brca_subtype, tcga_lung_subtype, tcga_kidney_subtype nor a CSV "
                            "file",
                            name_or_file));
  }
  return read_task(name_or_file);
}

std::string slide_id_of(std::string_view name) {
  if (!slide::has_slide_extension(name)) return std::string(name);
  return std::string(name.substr(0, name.rfind('.')));
}

Dataset read_dataset(const std::filesystem::path& file, const Task& task) {
  const io::CsvTable table = io::read_csv(file);
  return with_context(file.string(), [&] {
    const std::size_t case_column = require_column(table, "case_id");
    const std::size_t slide_column = require_column(table, "slide_id");
    const std::size_t label_column = require_column(table, task.label_column);
    Dataset dataset;
    dataset.classes = task.classes();
    std::set<std::string> ids;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const std::vector<std::string>& row = table.rows[i];
      const auto found =
          std::ranges::find(task.classes_of_values, row[label_column], &std::pair<std::string, std::int64_t>::first);
      if (found == task.classes_of_values.end()) {
        ++dataset.left_out;
        continue;
      }
      DatasetSlide slide{slide_id_of(row[slide_column]), row[case_column], found->second};
      if (slide.slide_id.empty() || slide.case_id.empty()) {
        throw Error(ErrorCode::Corrupt, fmt::format("row {}: a blank slide_id or case_id", i + 2));
      }
      if (!ids.insert(slide.slide_id).second) {
        throw Error(ErrorCode::Corrupt, fmt::format("row {}: {} stands twice", i + 2, slide.slide_id));
      }
      dataset.slides.push_back(std::move(slide));
    }
    require_every_class(dataset, task);
    return dataset;
  });
}

}  // namespace hipt::bags
