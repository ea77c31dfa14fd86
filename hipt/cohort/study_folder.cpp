#include "hipt/cohort/study_folder.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace hipt::cohort {

bool is_study_output(const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 13> kNames = {
      "masks",         "stitches", "patches",  "contours", "contours_geojson",  "artifacts", "patch_images",
      "region_assets", "runs",     "outcomes", "locks",    "report_thumbnails", "overviews"};
  const std::string name = folder.filename().string();
  const bool known = std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.ends_with("_features") ||
                     name.ends_with("_pretraining") || name.starts_with("tar_patch_") || name.starts_with("overviews_");
  const StudyFolder study{folder.parent_path()};
  std::error_code ignored;
  return known &&
         (std::filesystem::exists(study.process_list(), ignored) || std::filesystem::exists(study.runs(), ignored));
}

std::filesystem::path study_slides(const std::filesystem::path& study_dir) {
  return study_dir / "WSIs";
}

StudyFolder study_output(const std::filesystem::path& study_dir, double magnification, std::int64_t patch_size) {
  return {study_dir / fmt::format("extracted_mag{}x_patch{}_fp", magnification, patch_size)};
}

}  // namespace hipt::cohort
