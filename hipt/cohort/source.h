#pragma once
// SOURCE of every verb: a slide, a folder of slides, or a CSV.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hipt/base/options.h"
#include "hipt/slide/slide.h"

namespace hipt::cohort {

// Column and cell of one row of a table, in the table's order.
using Columns = std::vector<std::pair<std::string, std::string>>;

// One row of CLAM's process list, cells as pandas types the column ("8.0" in a column of numbers with a blank). Blank
// cells are empty: the default is meant.
using Cells = Columns;

struct SlideEntry {
  std::filesystem::path path;
  std::string id;                                          // id_of_slide
  std::optional<double> mpp;                               // um a pixel of level 0, when the CSV overrides it
  Cells cells;                                             // the slide's own parameters, when a process list names them
  std::optional<std::size_t> list_row;                     // its place in that list, rows of other slides counted
  slide::ReaderChoice reader = slide::ReaderChoice::Auto;  // who decodes its pixels; the same bytes
};

// A column of a process list and the type that pandas gives it.
struct ListColumn {
  enum class Type { Whole, Floating, Boolean, Text };
  std::string name;
  Type type = Type::Text;
};

struct Source {
  std::vector<SlideEntry> slides;                 // sorted by file name (CSV: in its order)
  std::vector<std::filesystem::path> not_slides;  // files of a folder that were passed over
  std::vector<SlideEntry> left_out;               // rows of a process list that are not to be done
  std::vector<ListColumn> list_columns;           // of a process list; empty without one
};

// What the outputs of a slide are called: its file name without the last extension, or the name of a DICOM slide's
// folder.
std::string id_of_slide(const std::filesystem::path& slide);

// A slide file; a folder (regular files with a slide's extension and folders that are a DICOM slide, `nested` looks
// below too); a .csv with a column `slide` (paths relative to the CSV's folder, optional `mpp`). Two slides with one id
// are an InvalidArgument naming both; nothing found is a NotFound.
Source find_slides(const std::filesystem::path& source, bool nested);

// The slides of a folder, possibly none. Of the DICOM files of one series, which are one slide, the first by name
// counts. Folders that a study's run wrote (masks/ beside its process list) are not
// searched.
Source slides_in_folder(const std::filesystem::path& folder, bool nested);

// Keeps slides i, i + n, i + 2n ... of a source: `shard` is "i/n", counted from 1. Throws InvalidArgument for any other
// text.
void take_shard(Source& source, std::string_view shard);

// The cell "0.2526" of a column mpp; nothing when blank. Throws InvalidArgument.
std::optional<double> parse_mpp(std::string_view cell);

}  // namespace hipt::cohort
