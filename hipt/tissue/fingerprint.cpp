#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "hipt/base/sha256.h"
#include "hipt/slide/whole_level.h"
#include "hipt/tissue/given.h"

namespace hipt::tissue {
namespace {

// Options that do not decide the contours: of the mask picture, and the name of a file whose content does.
constexpr std::array<std::string_view, 3> kOthers = {"vis_level", "line_thickness", "tissue_from"};
// All that decides contours which the user brings, beside the file's content.
constexpr std::array<std::string_view, 3> kOfGiven = {"tissue_class", "keep_ids", "exclude_ids"};

bool decides(std::string_view name, const TissueOptions& options) {
  const auto is_among = [&](const auto& names) { return std::ranges::find(names, name) != names.end(); };
  if (!options.tissue_from.empty()) return is_among(kOfGiven);
  if (name == "tissue_class") return false;
  return !is_among(kOthers) && !(name == "sthresh" && options.use_otsu);
}

}  // namespace

cohort::Fingerprint slide_identity(const slide::Slide& slide) {
  cohort::Fingerprint fingerprint;
  fingerprint.set("slide_size", fmt::format("{}x{}", slide.size().width, slide.size().height));
  const auto hash = slide.properties().find("openslide.quickhash-1");
  if (hash != slide.properties().end()) {
    fingerprint.set("slide_hash", hash->second);
  } else {
    std::error_code none;
    fingerprint.set("slide_bytes", fmt::format("{}", std::filesystem::file_size(slide.path(), none)));
  }
  return fingerprint;
}

cohort::Fingerprint segmentation_fingerprint(const slide::Slide& slide, const TissueOptions& options) {
  TissueOptions resolved = options;
  cohort::Fingerprint fingerprint = slide_identity(slide);
  if (options.tissue_from.empty()) {
    const int level = resolve_level(slide, options.seg_level, "seg_level");
    resolved.seg_level = level;
    const std::int64_t reduction = slide::whole_level(slide, level).reduction;
    if (reduction > 1) fingerprint.set("seg_reduction", fmt::format("{}", reduction));
  } else {
    fingerprint.set("tissue_from_sha256", sha256_hex_of_file(given_file(slide, options)));
  }
  for (const auto& [name, value] : option_texts(resolved)) {
    if (decides(name, options)) fingerprint.set(name, value);
  }
  return fingerprint;
}

}  // namespace hipt::tissue
