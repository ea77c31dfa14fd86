#pragma once
// A fold between two epochs (s_<k>_state.pt): parameters, the optimiser's memory, losses so far.

#include <filesystem>
#include <optional>

#include "hipt/mil/model.h"
#include "hipt/mil/training_step.h"
#include "hipt/subtype/fold_result.h"

namespace hipt::subtype {

// Throws InvalidArgument naming the difference, and how to go on, when `there` is not `now`.
void require_equal_fold(const std::filesystem::path& file, const cohort::Fingerprint& there,
                        const cohort::Fingerprint& now);

// Atomic. A frozen ViT-4096 is left out: it does not change.
void write_fold_state(const std::filesystem::path& file, const FoldResult& result, const mil::Model& model,
                      const mil::TrainingStep& step);

// Sets model and optimiser to what the file says; nothing when there is no such file. Throws as require_equal_fold, and
// Corrupt or InvalidArgument for a broken file.
std::optional<FoldResult> read_fold_state(const std::filesystem::path& file, const cohort::Fingerprint& fingerprint,
                                          mil::Model& model, mil::TrainingStep& step);

}  // namespace hipt::subtype
