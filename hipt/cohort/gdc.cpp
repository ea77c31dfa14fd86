#include "hipt/cohort/gdc.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/cohort/studies.h"
#include "hipt/io/csv.h"

namespace hipt::cohort {
namespace {

// A name that stays in the folder it is put in: no separators, no "..", nothing unprintable.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](unsigned char c) { return c >= ' ' && c != 0x7F && c != '/' && c != '\\'; });
}

std::size_t needed_column(const io::CsvTable& table, const std::filesystem::path& file, std::string_view name,
                          std::string_view what) {
  const auto column = table.column(name);
  if (column) return *column;
  throw Error(ErrorCode::InvalidArgument, fmt::format("{}: not a GDC {}: no column \"{}\" among: {}", file.string(),
                                                      what, name, fmt::join(table.columns, ", ")));
}

// "TCGA-BRCA, TCGA-BRCA" of a file with several samples is TCGA-BRCA. Nothing when they differ.
std::optional<std::string> common_value(const std::string& cell) {
  std::set<std::string> values;
  std::size_t start = 0;
  while (start <= cell.size()) {
    const std::size_t end = std::min(cell.find(',', start), cell.size());
    std::string part = cell.substr(start, end - start);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    values.insert(part);
    start = end + 1;
  }
  return values.size() == 1 ? std::optional(*values.begin()) : std::nullopt;
}

struct Sheet {
  io::CsvTable table;
  std::map<std::string, std::size_t> rows;  // by File ID

  std::string cell(std::size_t row, std::string_view column) const {
    const auto place = table.column(column);
    return place ? table.rows[row][*place] : "";
  }
};

Sheet read_sheet(const std::filesystem::path& file) {
  Sheet sheet{io::read_tsv(file), {}};
  const std::size_t id = needed_column(sheet.table, file, "File ID", "sample sheet");
  needed_column(sheet.table, file, "Project ID", "sample sheet");
  for (std::size_t row = 0; row < sheet.table.rows.size(); ++row) sheet.rows.emplace(sheet.table.rows[row][id], row);
  return sheet;
}

void describe_by_sheet(const Sheet& sheet, GdcFile& file) {
  const auto found = sheet.rows.find(file.id);
  if (found == sheet.rows.end()) {
    file.problem = "is not in the sample sheet: its project is unknown";
    return;
  }
  const std::size_t row = found->second;
  file.case_id = sheet.cell(row, "Case ID");
  file.sample_id = sheet.cell(row, "Sample ID");
  file.sample_type = sheet.cell(row, "Sample Type");
  const std::string projects = sheet.cell(row, "Project ID");
  const auto project = common_value(projects);
  const std::string name = sheet.cell(row, "File Name");
  if (!project) {
    file.problem = fmt::format("belongs to several projects: {}", projects);
  } else if (!name.empty() && name != file.name) {
    file.problem = fmt::format("is called {} in the sample sheet", name);
  } else {
    file.project = *project;
  }
}

bool is_md5(const std::string& text) {
  return text.size() == 32 && std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool parse_size(const std::string& text, std::int64_t& bytes) {
  bytes = parse_number<std::int64_t>(text).value_or(-1);
  return bytes >= 0;
}

void check_row(const std::string& size, GdcFile& file) {
  if (!is_plain_file_name(file.id)) {
    file.problem = fmt::format("refused: its id \"{}\" is no plain name", file.id);
  } else if (!is_plain_file_name(file.name)) {
    file.problem = "refused: its name would lead out of the folder";
  } else if (!is_md5(file.md5)) {
    file.problem = fmt::format("md5 \"{}\" in the manifest: must be 32 hexadecimal digits", file.md5);
  } else if (!parse_size(size, file.bytes)) {
    file.problem = fmt::format("size \"{}\" in the manifest: must be a number of bytes", size);
  }
}

}  // namespace

bool is_diagnostic_slide(const std::string& name) {
  const std::size_t barcode_end = std::min(name.find('.'), name.size());
  return name.substr(0, barcode_end).find("-DX") != std::string::npos;
}

std::vector<GdcFile> read_gdc_tables(const std::filesystem::path& manifest, const std::filesystem::path& sample_sheet) {
  const io::CsvTable table = io::read_tsv(manifest);
  const std::size_t id = needed_column(table, manifest, "id", "manifest");
  const std::size_t name = needed_column(table, manifest, "filename", "manifest");
  const std::size_t md5 = needed_column(table, manifest, "md5", "manifest");
  const std::size_t size = needed_column(table, manifest, "size", "manifest");
  const Sheet sheet = read_sheet(sample_sheet);
  std::vector<GdcFile> files;
  std::set<std::vector<std::string>> seen;
  for (const std::vector<std::string>& row : table.rows) {
    if (!seen.insert({row[id], row[name], row[md5], row[size]}).second) continue;
    GdcFile file;
    file.id = row[id];
    file.name = row[name];
    file.md5 = lower_case(row[md5]);
    check_row(row[size], file);
    if (file.problem.empty()) describe_by_sheet(sheet, file);
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace hipt::cohort
