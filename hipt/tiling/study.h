#pragma once
// The coordinates of one slide in a study's folder: patches/<slide>.h5 and stitches/<slide>.png, tissue first if
// missing.

#include <functional>

#include "hipt/cohort/outcome.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/tiling/tiling.h"

namespace hipt::tiling {

struct TileResult {
  Coordinates coordinates;
  io::Attributes attributes;        // of the dataset coords: feature files carry them too
  cohort::Fingerprint fingerprint;  // of the coordinates: what was made of them adds its own entries
  cohort::Outcome outcome;  // CLAM's columns, pixels, n_contours and n_patches; the reason when there is no patch
};

// Makes what is missing: mask, contours, coordinates, and the stitch unless there is no patch. What is there and equal
// in fingerprint is left alone (all of it: Status::AlreadyExist); what was made otherwise is an InvalidArgument naming
// the difference. Without `auto_skip` all is made again. `still_ours` is asked before each file gets its name.
TileResult tile_slide(const slide::Slide& slide, const tissue::TissueOptions& tissue_options,
                      const TileOptions& tile_options, const cohort::StudyFolder& folder, bool auto_skip,
                      const std::function<bool()>& still_ours);

}  // namespace hipt::tiling
