#pragma once
// The tissue of one slide in a study's folder: masks/<slide>.png and contours_geojson/<slide>.geojson; on request
// contours/<slide>.png and artifacts/<slide>.png.

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

// All files that the options ask for, when they carry the fingerprint that these give; nothing when one is missing.
// Throws InvalidArgument when they were made otherwise, or the contours were edited since the mask was drawn.
std::optional<StudyTissue> find_tissue(const slide::Slide& slide, const TissueOptions& options,
                                       const cohort::StudyFolder& folder);

// Writes them: the mask last, so that it stands for all. Contours that tissue_from names in place are left as they are.
void write_tissue(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options,
                  const cohort::StudyFolder& folder, const cohort::StillOurs& still_ours);

// One slide of `hipt tissue`: what is there and equal is left alone unless `auto_skip` is off.
cohort::Outcome tissue_of_slide(const slide::Slide& slide, const TissueOptions& options,
                                const cohort::StudyFolder& folder, bool auto_skip, const cohort::StillOurs& still_ours);

// CLAM's columns of the process list, seg_level to line_thickness, levels as resolved, numbers as pandas prints them.
std::vector<std::pair<std::string, std::string>> process_list_columns(const slide::Slide& slide,
                                                                      const TissueOptions& options);

}  // namespace hipt::tissue
