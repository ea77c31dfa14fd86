#pragma once
// Tables of text as pandas reads and writes them: commas, a first row of names, quotes where needed, "\n" line ends.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hipt::io {

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as columns

  // Place of the column called `name`; nothing when absent.
  std::optional<std::size_t> column(std::string_view name) const;
};

// Rows shorter than the header are filled with empty text, blank lines are passed over, a byte-order mark is dropped,
// "\r\n" ends a line too. A .zip is read as the one file that it holds, as pandas does. Throws NotFound, Io or Corrupt
// (a longer row, a quote left open), naming the file and the row.
CsvTable read_csv(const std::filesystem::path& path);
// The same with tabs between the fields and no quotes, as the Genomic Data Commons writes its tables.
CsvTable read_tsv(const std::filesystem::path& path);

// Quotes a field only when it holds a comma, a quote or a line end (pandas' QUOTE_MINIMAL).
std::string csv_text(const CsvTable& table);
// The same as a file. Atomic.
void write_csv(const std::filesystem::path& path, const CsvTable& table);

}  // namespace hipt::io
