#pragma once
// Pictures of a cross-validation in its results folder.

#include <span>
#include <string>
#include <vector>

#include "hipt/base/run_context.h"
#include "hipt/subtype/experiment.h"
#include "hipt/subtype/fold_result.h"

namespace hipt::subtype {

// plots/roc.png, confusion_matrix.png and loss.png of finished folds, whose predictions lie in `folder`. A picture that
// cannot be drawn (gnuplot is not installed, no fold has two classes in its test slides) is a warning.
void plot_results(const ResultsFolder& folder, std::span<const FoldResult> folds, std::vector<std::string> class_names,
                  RunContext& context);

}  // namespace hipt::subtype
