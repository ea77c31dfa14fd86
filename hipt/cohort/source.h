#pragma once
// SOURCE of every verb: a slide, a folder of slides, or a CSV.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hipt/base/options.h"

namespace hipt::cohort {

// One row of CLAM's process list: column and cell, in the list's order, cells as pandas types the column ("8.0" in a
// column of numbers with a blank). Blank cells are empty: the default is meant.
using Cells = std::vector<std::pair<std::string, std::string>>;

struct SlideEntry {
  std::filesystem::path path;
  std::string id;             // file name without its last extension
  std::optional<double> mpp;  // um a pixel of level 0, when the CSV overrides it
  Cells cells;                // the slide's own parameters, when a process list names them
};

struct Source {
  std::vector<SlideEntry> slides;                 // sorted by file name (CSV: in its order)
  std::vector<std::filesystem::path> not_slides;  // files of a folder that were passed over
};

// A slide file; a folder (regular files with a slide's extension, `nested` looks below too); a .csv with a column
// `slide` (paths relative to the CSV's folder, optional `mpp`). Two slides with one id are an InvalidArgument naming
// both; nothing found is a NotFound.
Source find_slides(const std::filesystem::path& source, bool nested);

}  // namespace hipt::cohort
