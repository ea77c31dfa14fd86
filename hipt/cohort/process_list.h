#pragma once
// CLAM's process lists (create_patches_fp.py): --process_list FILE gives slides with parameters of their own, and
// process_list_autogen.csv tells what became of every slide of a study, in the columns, order and number formats of
// the published script (pandas).

#include <filesystem>
#include <string>
#include <vector>

#include "hipt/cohort/outcome.h"
#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

// The slides of `source` that a list names, in its order, each with its row's cells. `source` is a folder; column
// `slide_id` names its files with their extensions. Rows whose `process` is neither 1 nor blank go to `left_out`; a
// column `mpp` overrides the microns per pixel. A row whose file is absent stays: opening it fails that slide alone.
// Throws InvalidArgument for a list without slide_id, an id that is no file name, a slide listed twice; NotFound when
// it lists none.
Source find_listed_slides(const std::filesystem::path& source, const std::filesystem::path& list, bool nested);

// A double as Python prints it: "100.0", "0.25", "1e-05".
std::string python_number(double value);

// What the row of a slide holds, in the order of the file: with a list, the list's own columns first (its text stays,
// levels and results are the run's), then those that it lacks. Columns slide_id, process and status are named for their
// place alone, with empty cells. Without a list it is the outcome's columns.
Columns listed_columns(const Source& source, const SlideEntry& slide, const Outcome& outcome);

// Rebuilds process_list_autogen.csv from all recorded outcomes: rows of a list in its order, then the others by
// slide_id; the reason last. Under a lock, renamed into place.
void rebuild_process_list(const StudyFolder& folder);

}  // namespace hipt::cohort
