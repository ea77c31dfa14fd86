#pragma once
// Which slides of a dataset are trained with, validated on and tested on, as the published files say it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hipt/bags/dataset.h"

namespace hipt::bags {

// Slides as places in Dataset::slides, rising: the order of the dataset's table, not of the split's file, as published.
struct Split {
  std::vector<std::size_t> train;
  std::vector<std::size_t> validation;
  std::vector<std::size_t> test;
  std::int64_t unknown = 0;                  // listed slides that the dataset has not (the published files list some)
  std::vector<std::string> shared_patients;  // with slides on two sides: the published splits have such; warn of them
};

// splits_<k>.csv (",train,val,test", slide ids, blank below) or splits_<k>_bool.csv (id, then True or False in each).
// Throws Corrupt naming the file and the row: a column is missing, a slide stands on two sides or twice, a side that is
// trained or tested has no slide of the dataset.
Split read_split(const std::filesystem::path& file, const Dataset& dataset);

// `folds` splits of whole patients. Each test part is one `folds`-th of the patients of every class (by a patient's
// first slide), each validation part the next one, so that every slide is tested once; the seed shuffles the patients.
// Throws InvalidArgument with fewer than three folds or a class of fewer patients than folds.
std::vector<Split> make_splits(const Dataset& dataset, std::int64_t folds, std::uint32_t seed);

// splits_<k>.csv, splits_<k>_bool.csv and splits_<k>_descriptor.csv in `folder`. `class_names` one a class.
void write_split(const std::filesystem::path& folder, std::int64_t fold, const Split& split, const Dataset& dataset,
                 const std::vector<std::string>& class_names);

}  // namespace hipt::bags
