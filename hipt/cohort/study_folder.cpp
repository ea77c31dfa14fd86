#include "hipt/cohort/study_folder.h"

#include <fmt/format.h>

namespace hipt::cohort {

std::filesystem::path study_slides(const std::filesystem::path& study_dir) {
  return study_dir / "WSIs";
}

StudyFolder study_output(const std::filesystem::path& study_dir, double magnification, std::int64_t patch_size) {
  return {study_dir / fmt::format("extracted_mag{}x_patch{}_fp", magnification, patch_size)};
}

}  // namespace hipt::cohort
