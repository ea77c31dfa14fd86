#pragma once
// The tissue of one slide in a study's folder: masks/<slide>.png and contours_geojson/<slide>.geojson.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hipt/cohort/outcome.h"
#include "hipt/cohort/output.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// What is known of tissue that is there already.
struct StudyTissue {
  std::int64_t contours = 0;
  std::string reason;  // why there is none
};

// Both files, when the mask carries the fingerprint that these options give; nothing when one is missing. Throws
// InvalidArgument when they were made otherwise.
std::optional<StudyTissue> find_tissue(const slide::Slide& slide, const TissueOptions& options,
                                       const cohort::StudyFolder& folder);

// Writes both files: the contours first, so that a mask stands for both.
void write_tissue(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options,
                  const cohort::StudyFolder& folder, const cohort::StillOurs& still_ours);

// One slide of `hipt tissue`: what is there and equal is left alone unless `auto_skip` is off.
cohort::Outcome tissue_of_slide(const slide::Slide& slide, const TissueOptions& options,
                                const cohort::StudyFolder& folder, bool auto_skip, const cohort::StillOurs& still_ours);

// CLAM's columns of the process list, seg_level to line_thickness, levels as resolved, numbers as pandas prints them.
std::vector<std::pair<std::string, std::string>> process_list_columns(const slide::Slide& slide,
                                                                      const TissueOptions& options);

}  // namespace hipt::tissue
