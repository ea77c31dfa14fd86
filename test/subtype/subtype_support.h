#pragma once
// A small made cohort whose classes differ in their features.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/subtype/options.h"

namespace hipt::test {

struct MadeCohort {
  std::string cohort = "tcga_brca";  // names of slides and files
  std::vector<std::string> values = {"IDC", "ILC"};
  std::vector<std::string> studies = {"tcga_brca", "tcga_brca"};  // of each value
  bool regions = false;                                           // [1, 256, 384] bags; else patches [7, 384]
};

// Below `root` (a TCGA_ROOT_DIR): the features of the slides in their studies, and dataset_csv/<cohort>_subset.csv.
// Slides "tcga_brca-S00" ... of one patient each, of these labels; twelve, the classes in turn, when none are given.
void write_cohort(const std::filesystem::path& root, const MadeCohort& cohort, std::vector<std::size_t> labels = {});
// <study>/extracted_mag20x_patch<4096 or 256>_fp/vits_tcga_pancancer_dino_pt_patch_features
std::filesystem::path feature_folder(const std::filesystem::path& root, const MadeCohort& cohort, std::size_t label);
void write_bag(const std::filesystem::path& file, const Array& features);

// Two epochs in three folds over that cohort, results below `root`.
subtype::SubtypeOptions quick_options(const std::filesystem::path& root, mil::ModelType type);

}  // namespace hipt::test
