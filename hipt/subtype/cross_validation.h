#pragma once
// hipt subtype: k folds of weakly supervised classification.

#include <string>
#include <vector>

#include "hipt/base/run_context.h"
#include "hipt/subtype/experiment.h"
#include "hipt/subtype/fold_result.h"
#include "hipt/subtype/options.h"

namespace hipt::subtype {

struct CrossValidation {
  ResultsFolder folder;
  std::vector<FoldResult> folds;  // of this run
  std::string table;              // mean and deviation over them, as text
};

// Trains and tests the folds of `options` and writes the results folder (experiment.h). Folds run side by side, as many
// as threads and memory allow, each in one thread: so the same seed gives the same numbers at any number of threads.
// Finished folds are read back, begun ones go on. On a stop request what is done stays, and Cancelled is thrown.
// Throws what check, find_cohort, find_folds and train_fold throw.
CrossValidation cross_validate(const SubtypeOptions& options, RunContext& context);

}  // namespace hipt::subtype
