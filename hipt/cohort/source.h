#pragma once
// SOURCE of every verb: a slide, a folder of slides, or a CSV.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hipt/base/options.h"

namespace hipt::cohort {

struct SlideEntry {
  std::filesystem::path path;
  std::string id;             // file name without its last extension
  std::optional<double> mpp;  // um a pixel of level 0, when the CSV overrides it
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
