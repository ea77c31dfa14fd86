#pragma once
// Parameters of tissue and tiles from CLAM's files: presets and the rows of process lists (create_patches_fp.py).
// white_thresh and black_thresh, which that script reads from both and never uses, are passed over.

#include <string>

#include "hipt/cohort/source.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/tiling.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tiling {

// --preset: one of the published names (with or without ".csv", where no such file is there), or a CSV of CLAM's form:
// a header and one row; what it leaves out or blank keeps the defaults of CLAM's script. Sets `tissue`, and use_padding
// and contour_fn of `tile`. Throws InvalidArgument listing the names, or naming file, column and value.
void apply_preset(const std::string& name_or_file, tissue::TissueOptions& tissue, TileOptions& tile);

// The parameters that a slide's row of a process list gives: any field of the two structs by its name; blank cells and
// other columns change nothing. The legacy column `a` (least area in pixels of the row's seg_level) sets a_t and leaves
// the levels to the program, as published. Throws InvalidArgument naming the column.
void apply_cells(const cohort::Cells& cells, const slide::Slide& slide, tissue::TissueOptions& tissue,
                 TileOptions& tile);

// CLAM's columns of the process list for a slide whose levels nobody resolved (cohort::BatchOptions::columns_as_asked).
cohort::Columns columns_as_asked(const cohort::SlideEntry& slide, const tissue::TissueOptions& tissue,
                                 const TileOptions& tile);

}  // namespace hipt::tiling
