#pragma once
// Where the features of a slide lie, and what is in them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hipt/bags/dataset.h"
#include "hipt/base/array.h"

namespace hipt::bags {

struct BagPlaces {
  std::filesystem::path bags;           // looked in first, with its pt_files/ and h5_files/; empty: not given
  std::filesystem::path data_root_dir;  // TCGA_ROOT_DIR; empty: not given
  // Task::studies: <data_root_dir>/<study>/extracted_mag20x_patch<size>_fp/<features>/
  std::vector<std::string> studies;
  std::int64_t patch_size = 4096;
  std::string features = "vits_tcga_pancancer_dino_pt_patch_features";
  std::string group;  // "tcga_lung": <data_root_dir>/<group>_20x_features/pt_files|h5_files, as published
};

// Folders in the order in which a slide's <slide_id>.pt, then .h5, is looked for.
std::vector<std::filesystem::path> bag_folders(const BagPlaces& places);

// The file of each slide of the dataset; empty for one that has none. Without `allow_missing` these are an error:
// NotFound with all of them and the folders in one message; so it is, always, when no slide has one.
std::vector<std::filesystem::path> find_bags(const Dataset& dataset, const BagPlaces& places, bool allow_missing);

// float32 [instances, dim] or [regions, patches, dim], of a .pt (a bare tensor) or .h5 (dataset "features"). Throws
// Corrupt naming the file when it holds no such numbers, no instance, or one that is not finite.
Array read_bag(const std::filesystem::path& file);

}  // namespace hipt::bags
