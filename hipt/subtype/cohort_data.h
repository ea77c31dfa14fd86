#pragma once
// What an experiment is about: the slides of its task, their labels, and where their bags are.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hipt/bags/dataset.h"
#include "hipt/base/run_context.h"
#include "hipt/mil/bag.h"
#include "hipt/subtype/options.h"

namespace hipt::subtype {

struct CohortData {
  bags::Task task;
  BagMode mode = BagMode::Path;
  bags::Dataset dataset;                         // slides that have a bag
  std::vector<std::filesystem::path> bag_files;  // of each slide
  std::vector<std::string> bag_ids;              // of each slide: other numbers, other text
  std::int64_t input_dim = 0;                    // width of an instance, by the first slide's bag
};

// "tcga_lung" of "tcga_lung_subtype", as published folders and tables are called; the whole name of other tasks.
std::string cohort_name(const bags::Task& task);

// What the table calls each class: "LUAD", "LUSC"; values that share one are joined by "+".
std::vector<std::string> class_names(const bags::Task& task);

// Reads the table and finds the bags; what is left out is logged. Throws NotFound for a missing table or bags,
// InvalidArgument when the bags are not what the model takes, and what bags::read_dataset gives.
CohortData find_cohort(const SubtypeOptions& options, RunContext& context);

// The bag of one slide as the model takes it. Regions [M, 256, D] are M * 256 patches to models of patches. Throws
// Corrupt naming the file as bags::read_bag does, InvalidArgument for another width or rank than the cohort's.
mil::Bag load_bag(const CohortData& data, std::size_t slide);

}  // namespace hipt::subtype
