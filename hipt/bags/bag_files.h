#pragma once
// Where the features of a slide lie, and what is in them.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/bags/dataset.h"
#include "hipt/base/array.h"

namespace hipt::bags {

// Stem of the file that hipt bags clusters leaves beside the bags (hipt/bags/clusters.h); no bag.
inline constexpr std::string_view kClusterCentres = "cluster_centres";

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

// The bag of one slide.
struct BagFile {
  std::string slide_id;
  std::filesystem::path file;
};

// Every .pt and .h5 of `folder`, its pt_files/ and its h5_files/, sorted by slide; of a slide that is there twice, the
// file that find_bags would take. Throws NotFound when there is none.
std::vector<BagFile> bags_in(const std::filesystem::path& folder);

// Level-0 corners of the instances, int64 [instances, 2]: the dataset "coords" of the bag's own .h5, of the .h5 of that
// name beside it or in h5_files/ beside its folder, or of the coordinate file in patches/ there. Nothing when there is
// none. Throws Corrupt naming the file when it does not hold one finite corner for each instance.
std::optional<Array> read_coordinates_of_bag(const std::filesystem::path& bag, std::int64_t instances);

// Side of the instances in pixels of level 0, by the attributes of those coords: TRIDENT's patch_size_level0, else
// CLAM's patch_size times downsample. Nothing when no file has them.
std::optional<std::int64_t> read_patch_side_of_bag(const std::filesystem::path& bag);

// What tells one version of a bag from another: the fingerprint of hipt in it, or the SHA-256 of the file.
std::string identity_of_bag(const std::filesystem::path& bag);

}  // namespace hipt::bags
