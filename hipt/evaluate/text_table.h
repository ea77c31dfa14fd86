#pragma once
// A small table laid out for people and for documents; for spreadsheets there is io::csv_text.

#include <string>

#include "hipt/io/csv.h"

namespace hipt::evaluate {

std::string plain_text(const io::CsvTable& table);     // columns in line, two blanks between
std::string markdown_text(const io::CsvTable& table);  // bars in cells are escaped

}  // namespace hipt::evaluate
