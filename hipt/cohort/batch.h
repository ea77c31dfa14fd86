#pragma once
// One verb over many slides: locks, outcomes, process list, run record and summary; one bad slide never stops the
// others.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hipt/base/run_context.h"
#include "hipt/cohort/lock.h"
#include "hipt/cohort/outcome.h"
#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

struct BatchOptions {
  std::string verb;     // "tissue", "tile", "encode": for the run record
  OptionTexts options;  // for the run record
  std::chrono::seconds lock_max_age{1800};
  OptionTexts machine;  // what it runs on and how ("instruction_set", "threads"): for the run record
  // Slides worked on at once, each by a thread of its own; 1: on the calling thread.
  std::size_t slides_in_flight = 1;
  bool process_tells_progress = false;  // else the progress of several slides at once is a count of slides
  std::filesystem::path cache_dir;      // slides are read from copies made ahead in this folder; empty: where they are
  // The columns of a slide as asked for, levels not resolved: for the process list, where `process` threw and where a
  // list leaves a slide out. Must not throw.
  std::function<Columns(const SlideEntry&)> columns_as_asked;
};

struct BatchSummary {
  std::vector<Outcome> outcomes;    // of this run, in the order of the source
  std::vector<std::string> locked;  // slides that another process works on
  std::size_t count(Status status) const;
};

// Calls `process` for each slide under its lock; from several threads at once when several slides are in flight. An
// Error becomes a Failed outcome (Cancelled is passed on after the record is written); outputs that were made otherwise
// keep their record. `still_ours` is to be asked before each output is committed. Writes outcomes, the process list and
// runs/<time>-<id>.json. Waits for no lock: slides held by another process are listed in `locked`.
using ProcessSlide = std::function<Outcome(const SlideEntry& slide, const std::function<bool()>& still_ours)>;
BatchSummary process_slides(const Source& source, const StudyFolder& folder, const BatchOptions& options,
                            RunContext& context, const ProcessSlide& process);

}  // namespace hipt::cohort
