#include "hipt/io/csv.h"

#include <algorithm>
#include <memory>

#include <csv.h>
#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/zip_reader.h"

namespace hipt::io {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Collects what libcsv's callbacks report.
struct CsvRows {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> current;

  static void on_field(void* text, size_t size, void* self) {
    static_cast<CsvRows*>(self)->current.emplace_back(static_cast<const char*>(text), size);
  }
  static void on_row(int, void* self) {
    auto& collected = *static_cast<CsvRows*>(self);
    collected.rows.push_back(std::move(collected.current));
    collected.current.clear();
  }
};

int is_never_space(unsigned char) {
  return 0;
}

struct Dialect {
  unsigned char delimiter;
  unsigned char quote;
};
constexpr Dialect kCommas{',', '"'};
constexpr Dialect kTabs{'\t', '\0'};  // no text holds this quote

std::vector<std::vector<std::string>> parse_csv(std::string_view text, Dialect dialect) {
  csv_parser parser;
  csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
  const std::unique_ptr<csv_parser, decltype(&csv_free)> freed(&parser, &csv_free);
  csv_set_delim(&parser, dialect.delimiter);
  csv_set_quote(&parser, dialect.quote);
  csv_set_space_func(&parser, &is_never_space);  // pandas keeps blanks beside a comma
  CsvRows collected;
  const bool parsed =
      csv_parse(&parser, text.data(), text.size(), &CsvRows::on_field, &CsvRows::on_row, &collected) == text.size() &&
      csv_fini(&parser, &CsvRows::on_field, &CsvRows::on_row, &collected) == 0;
  if (!parsed) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("row {}: a quote that does not enclose a whole field", collected.rows.size() + 1));
  }
  return std::move(collected.rows);
}

std::string quoted_where_needed(const std::string& field, bool is_only_field) {
  const bool is_plain = field.find_first_of(",\"\r\n") == std::string::npos;
  if (is_plain && !(is_only_field && field.empty())) return field;
  std::string quoted = "\"";
  for (const char character : field) quoted.append(character == '"' ? 2 : 1, character);
  return quoted + '"';
}

void append_row(std::string& text, const std::vector<std::string>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text += ',';
    text += quoted_where_needed(row[i], row.size() == 1);
  }
  text += '\n';
}

// The one file in the archive, whatever its name.
std::string text_in_zip(const std::filesystem::path& path) {
  return with_context(path.string(), [&] {
    const ZipRecords records = read_zip(MappedFile::open(path), [](std::string_view) { return true; });
    if (records.size() != 1) {
      throw Error(ErrorCode::Corrupt, fmt::format("holds {} files instead of one table", records.size()));
    }
    const std::span<const std::byte> bytes = records.begin()->second.bytes;
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
}

CsvTable read_table(const std::filesystem::path& path, Dialect dialect) {
  const std::string text = path.extension() == ".zip" ? text_in_zip(path) : read_text_file(path);
  return with_context(path.string(), [&] {
    std::string_view content = text;
    if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
    CsvTable table;
    table.rows = parse_csv(content, dialect);
    if (table.rows.empty()) throw Error(ErrorCode::Corrupt, "has no row of column names");
    table.columns = std::move(table.rows.front());
    table.rows.erase(table.rows.begin());
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      if (table.rows[i].size() > table.columns.size()) {
        throw Error(ErrorCode::Corrupt, fmt::format("row {}: {} fields under {} column names", i + 2,
                                                    table.rows[i].size(), table.columns.size()));
      }
      table.rows[i].resize(table.columns.size());
    }
    return table;
  });
}

}  // namespace

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

CsvTable read_csv(const std::filesystem::path& path) {
  return read_table(path, kCommas);
}

CsvTable read_tsv(const std::filesystem::path& path) {
  return read_table(path, kTabs);
}

std::string csv_text(const CsvTable& table) {
  std::string text;
  append_row(text, table.columns);
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() != table.columns.size()) {
      throw Error(ErrorCode::Internal,
                  fmt::format("{} fields under {} column names", row.size(), table.columns.size()));
    }
    append_row(text, row);
  }
  return text;
}

void write_csv(const std::filesystem::path& path, const CsvTable& table) {
  write_text_file(path, with_context(path.string(), [&] { return csv_text(table); }));
}

}  // namespace hipt::io
