#pragma once
// What became of one slide: a small file a slide, from which process_list_autogen.csv is rebuilt.

#include <optional>
#include <string>
#include <vector>

#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

enum class Status {
  Processed,      // "processed": made by this run (also with 0 patches; `reason` says why)
  AlreadyExist,   // "already_exist": present and equal in fingerprint
  Failed,         // "failed": `reason` is the error
  ToBeProcessed,  // "tbp": a row of a process list that is not to be done now
};
std::string_view to_string(Status status);  // CLAM's words

struct Outcome {
  std::string slide_id;  // file name WITH extension, as CLAM's process list has it
  Status status = Status::Processed;
  std::string reason;  // "" when all is well; "no tissue: ..." or an error's text otherwise
  // Further columns of the process list in order: CLAM's (seg_level, sthresh, ... contour_fn), then counts.
  Columns columns;
  Columns asked;                        // of the same list, where neither the run nor an earlier record says better
  std::string summary;                  // for the log alone: "50 patches"
  std::optional<std::size_t> list_row;  // the slide's row in a process list
  std::string id;                       // of a recorded one: what the slide's files are called (id_of_slide)
  bool earlier_stands = false;          // failed because outputs made otherwise are there: they stay, and so does
                                        // their record
};

// Adds the columns that only `before` has, each after its neighbour there.
void keep_columns(Columns& columns, const Columns& before);

// D/outcomes/<id>.json, atomically. Columns that the record there has and `outcome` has not are kept (those of `hipt
// tile` when `hipt tissue` runs after it). An AlreadyExist outcome does not replace the record of how the outputs were
// made; where that record is missing (the run was killed just before it) it becomes a Processed one, so that a resumed
// run leaves what an undisturbed run leaves. ToBeProcessed replaces nothing.
void record_outcome(const StudyFolder& folder, const std::string& id, const Outcome& outcome);
std::vector<Outcome> recorded_outcomes(const StudyFolder& folder);  // sorted by slide_id

}  // namespace hipt::cohort
