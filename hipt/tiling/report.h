#pragma once
// report.html: one page about a study for a browser, without network or server. A row a slide with pictures of its
// tissue and patches, counts, parameters and what to look at; readable at thousands of slides.

#include <string>

#include "hipt/base/run_context.h"
#include "hipt/cohort/output.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::tiling {

// report_thumbnails/<id>.mask.jpg and .stitch.jpg of the slide's mask and stitch. Those that are there and of these
// very pictures are left alone; without the picture, or where it cannot be read, there is none.
void write_report_thumbnails(const std::string& id, const cohort::StudyFolder& folder,
                             const cohort::StillOurs& still_ours);

// The page, from the recorded outcomes of all runs: its bytes are a function of the study. Missing thumbnails are made.
void write_report(const cohort::StudyFolder& folder, RunContext& context);

}  // namespace hipt::tiling
