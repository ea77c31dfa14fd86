#include "hipt/evaluate/text_table.h"

#include <algorithm>

namespace hipt::evaluate {
namespace {

// Characters, not bytes: "±" takes two bytes.
std::size_t width_of(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

std::string with_escaped_bars(const std::string& cell) {
  std::string text;
  for (const char character : cell) {
    if (character == '|') text += '\\';
    text += character;
  }
  return text;
}

}  // namespace

std::string plain_text(const io::CsvTable& table) {
  std::vector<std::size_t> widths(table.columns.size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    widths[i] = width_of(table.columns[i]);
    for (const std::vector<std::string>& row : table.rows) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      text.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
  };
  std::string text = line(table.columns);
  for (const std::vector<std::string>& row : table.rows) text += line(row);
  return text;
}

std::string markdown_text(const io::CsvTable& table) {
  const auto line = [](const std::vector<std::string>& row) {
    std::string text = "|";
    for (const std::string& cell : row) text += ' ' + with_escaped_bars(cell) + " |";
    return text + '\n';
  };
  std::string text = line(table.columns) + '|';
  for (std::size_t i = 0; i < table.columns.size(); ++i) text += "---|";
  text += '\n';
  for (const std::vector<std::string>& row : table.rows) text += line(row);
  return text;
}

}  // namespace hipt::evaluate
