#pragma once
// Which slides each fold trains with and is tested on.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "hipt/bags/splits.h"
#include "hipt/base/run_context.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/subtype/cohort_data.h"
#include "hipt/subtype/options.h"

namespace hipt::subtype {

struct Fold {
  std::int64_t number = 0;
  bags::Split split;  // train: after --prop, in the order that pandas' sample gives
  // The options that change numbers, and a hash over the fold's slides, their labels and their bags.
  cohort::Fingerprint fingerprint;
};

struct Folds {
  std::filesystem::path split_dir;
  std::vector<Fold> folds;  // first_fold .. end_fold - 1
};

// Reads the splits of the folds of this run, or makes and writes all of them when the folder has none.
// Patients with slides on two sides of a split are a warning for the built-in tasks, whose published splits have such,
// and with --allow_shared_patients; else InvalidArgument names them. So does a training part that lacks a class.
// `more`: what else the folds' numbers depend on, for their fingerprints.
Folds find_folds(const SubtypeOptions& options, const CohortData& data, const OptionTexts& more, RunContext& context);

// Slides of one pass over the training part: drawn with replacement, each class as often as the others
// (--weighted_sample, torch's WeightedRandomSampler), or all of them shuffled. A function of seed and epoch alone.
std::vector<std::size_t> training_order(const CrossValidationOptions& options, const CohortData& data,
                                        const std::vector<std::size_t>& train, std::int64_t seed, std::int64_t epoch);

}  // namespace hipt::subtype
