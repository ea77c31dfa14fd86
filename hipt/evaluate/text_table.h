#pragma once
// A small table laid out for people, for spreadsheets and for documents.

#include <string>
#include <vector>

namespace hipt::evaluate {

struct TextTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as columns
};

std::string plain_text(const TextTable& table);     // columns in line, two blanks between
std::string csv_text(const TextTable& table);       // quoted where needed
std::string markdown_text(const TextTable& table);  // bars in cells are escaped

}  // namespace hipt::evaluate
