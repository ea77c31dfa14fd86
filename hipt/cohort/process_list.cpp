#include "hipt/cohort/process_list.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/cohort/summary_lock.h"
#include "hipt/io/csv.h"

namespace hipt::cohort {
namespace {

namespace fs = std::filesystem;

// The columns that every row starts with when no list says otherwise.
constexpr std::array<std::string_view, 3> kRowStart = {"slide_id", "process", "status"};

// What a list asks for and a run does not change: there the list's own text stays. Levels are told as resolved.
constexpr std::array<std::string_view, 12> kParameters = {"sthresh",     "mthresh",        "close",       "use_otsu",
                                                          "keep_ids",    "exclude_ids",    "a_t",         "a_h",
                                                          "max_n_holes", "line_thickness", "use_padding", "contour_fn"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::string> cell_of(const Columns& columns, std::string_view name) {
  const auto place = std::find_if(columns.begin(), columns.end(), [&](const auto& cell) { return cell.first == name; });
  return place == columns.end() ? std::nullopt : std::optional(place->second);
}

// What pandas takes for a missing value in a CSV.
bool is_blank(std::string_view cell) {
  constexpr std::array<std::string_view, 19> kMissing = {
      "",     "#N/A", "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
      "<NA>", "N/A",  "NA",       "NULL", "NaN",     "None",     "n/a",  "nan",  "null"};
  return contains(kMissing, cell);
}

template <class Number>
std::optional<Number> parse(std::string_view cell) {
  if (cell.starts_with('+')) cell.remove_prefix(1);
  return parse_number<Number>(cell);
}

// One type for a column, as pandas chooses it: whole numbers only when no cell is blank.
ListColumn::Type type_of_column(const io::CsvTable& table, std::size_t column) {
  bool blank = false, whole = true, floating = true, boolean = true;
  for (const auto& row : table.rows) {
    const std::string& cell = row[column];
    if (is_blank(cell)) {
      blank = true;
      continue;
    }
    whole = whole && parse<std::int64_t>(cell).has_value();
    floating = floating && parse<double>(cell).has_value();
    boolean = boolean && parse_bool(cell).has_value();
  }
  if (whole && !blank) return ListColumn::Type::Whole;
  if (floating) return ListColumn::Type::Floating;
  return boolean ? ListColumn::Type::Boolean : ListColumn::Type::Text;
}

// A cell as pandas writes it back; "" when blank.
std::string typed(const std::string& cell, ListColumn::Type type) {
  if (is_blank(cell)) return "";
  switch (type) {
    case ListColumn::Type::Whole:
      return fmt::format("{}", parse<std::int64_t>(cell).value());
    case ListColumn::Type::Floating:
      return python_number(parse<double>(cell).value());
    case ListColumn::Type::Boolean:
      return parse_bool(cell).value() ? "True" : "False";
    case ListColumn::Type::Text:
      return cell;
  }
  return cell;
}

// A value of the run put into a column of the list: whole numbers become floats in a column of floats.
std::string fitted(const std::string& value, ListColumn::Type type) {
  const auto number = parse<double>(value);
  if (type == ListColumn::Type::Floating && number) return python_number(*number);
  if (type == ListColumn::Type::Whole && number && *number == std::floor(*number) && std::abs(*number) < 1e15) {
    return fmt::format("{:.0f}", *number);
  }
  return value;
}

bool is_file_name(const fs::path& name) {
  return !name.empty() && name == name.filename() && name != "." && name != "..";
}

fs::path path_of(const std::string& slide_id, const Source& found, const fs::path& folder) {
  const auto known = std::find_if(found.slides.begin(), found.slides.end(),
                                  [&](const SlideEntry& slide) { return slide.path.filename() == slide_id; });
  return known != found.slides.end() ? known->path : folder / slide_id;
}

// "1", "1.0", blank or no such column: to be done.
bool is_wanted(const std::optional<std::string>& process) {
  return !process || process->empty() || parse<double>(*process) == 1.0;
}

// Reads the table's rows into entries, in order.
class ListReader {
 public:
  ListReader(const io::CsvTable& table, const Source& found, const fs::path& folder)
      : table_(table), found_(found), folder_(folder) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      listed_.list_columns.push_back({table.columns[i], type_of_column(table, i)});
    }
  }

  Source read(std::size_t id_column) {
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      with_context(fmt::format("row {}", row + 2), [&] { add(row, id_column); });
    }
    return std::move(listed_);
  }

 private:
  void add(std::size_t row, std::size_t id_column) {
    const std::string& slide_id = table_.rows[row][id_column];
    if (!is_file_name(slide_id)) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("slide_id \"{}\": must be the name of a file in SOURCE, with its extension", slide_id));
    }
    SlideEntry slide;
    slide.path = path_of(slide_id, found_, folder_);
    slide.id = id_of_slide(slide.path);
    slide.list_row = row;
    if (!ids_.insert(slide.id).second) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("slide_id \"{}\": a row above has the same slide id \"{}\", so their outputs would have "
                              "one name",
                              slide_id, slide.id));
    }
    std::optional<std::string> process;
    for (std::size_t column = 0; column < table_.columns.size(); ++column) {
      const auto& [name, type] = listed_.list_columns[column];
      const std::string text = typed(table_.rows[row][column], type);
      if (name == "process") process = text;
      if (name == "mpp") slide.mpp = parse_mpp(text);
      if (!contains(kRowStart, name)) slide.cells.emplace_back(name, text);
    }
    (is_wanted(process) ? listed_.slides : listed_.left_out).push_back(std::move(slide));
  }

  const io::CsvTable& table_;
  const Source& found_;
  const fs::path& folder_;
  Source listed_;
  std::set<std::string> ids_;
};

// The columns of all outcomes: each where the first outcome that has it puts it, after its neighbour there.
std::vector<std::string> merged_names(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> merged;
  if (outcomes.empty()) merged.assign(kRowStart.begin(), kRowStart.end());
  for (const Outcome& outcome : outcomes) {
    auto place = merged.begin();
    const auto add = [&](std::string_view name) {
      const auto known = std::find(merged.begin(), merged.end(), name);
      place = (known != merged.end() ? known : merged.insert(place, std::string(name))) + 1;
    };
    if (!cell_of(outcome.columns, "slide_id")) std::for_each(kRowStart.begin(), kRowStart.end(), add);
    for (const auto& [name, value] : outcome.columns) add(name);
  }
  return merged;
}

std::string cell(const Outcome& outcome, const std::string& name) {
  if (name == "slide_id") return outcome.slide_id;
  if (name == "process") return outcome.status == Status::Failed ? "1" : "0";
  if (name == "status") return std::string(to_string(outcome.status));
  return cell_of(outcome.columns, name).value_or("");
}

// After the rows of a list.
constexpr std::size_t kLast = std::numeric_limits<std::size_t>::max();

io::CsvTable table_of(std::vector<Outcome> outcomes) {
  std::stable_sort(outcomes.begin(), outcomes.end(), [](const Outcome& a, const Outcome& b) {
    return std::make_tuple(a.list_row.value_or(kLast), a.slide_id) <
           std::make_tuple(b.list_row.value_or(kLast), b.slide_id);
  });
  io::CsvTable table;
  table.columns = merged_names(outcomes);
  for (const Outcome& outcome : outcomes) {
    auto& row = table.rows.emplace_back();
    for (const std::string& name : table.columns) row.push_back(cell(outcome, name));
    row.push_back(outcome.reason);
  }
  table.columns.push_back("reason");
  return table;
}

}  // namespace

std::string python_number(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

Source find_listed_slides(const fs::path& source, const fs::path& list, bool nested) {
  std::error_code ignored;
  if (!fs::is_directory(source, ignored)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: with --process_list SOURCE must be the folder of its slides", source.string()));
  }
  const io::CsvTable table = io::read_csv(list);
  const auto id_column = table.column("slide_id");
  if (!id_column) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: has no column \"slide_id\" among: {}", list.string(), fmt::join(table.columns, ", ")));
  }
  const Source found = slides_in_folder(source, nested);
  return with_context(list.string(), [&] {
    Source listed = ListReader(table, found, source).read(*id_column);
    if (listed.slides.empty()) {
      throw Error(ErrorCode::NotFound, listed.left_out.empty() ? std::string("lists no slide")
                                                               : std::string("has no row whose `process` is 1"));
    }
    return listed;
  });
}

Columns listed_columns(const Source& source, const SlideEntry& slide, const Outcome& outcome) {
  Columns columns = outcome.columns;
  if (source.list_columns.empty()) return columns;
  keep_columns(columns, outcome.asked);
  const bool legacy = !cell_of(slide.cells, "a").value_or("").empty();  // a_t comes of it
  Columns row;
  for (const auto& [name, type] : source.list_columns) {
    if (name == "reason") continue;
    const std::string asked = cell_of(slide.cells, name).value_or("");
    const std::optional<std::string> made = cell_of(columns, name);
    const bool stays = !made || (!asked.empty() && contains(kParameters, name) && !(legacy && name == "a_t"));
    row.emplace_back(name, contains(kRowStart, name) ? "" : stays ? asked : fitted(*made, type));
  }
  const auto add_missing = [&](std::string_view name, const std::string& value) {
    if (!cell_of(row, name)) row.emplace_back(name, value);
  };
  for (const std::string_view name : kRowStart) add_missing(name, "");
  for (const auto& [name, value] : columns) {
    add_missing(name, legacy && (name == "a_t" || name == "a_h") ? fitted(value, ListColumn::Type::Whole) : value);
  }
  return row;
}

void rebuild_process_list(const StudyFolder& folder) {
  const SummaryLock lock(folder, folder.process_list());
  io::write_csv(folder.process_list(), table_of(recorded_outcomes(folder)));
}

}  // namespace hipt::cohort
