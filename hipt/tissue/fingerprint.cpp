#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "hipt/tissue/tissue.h"

namespace hipt::tissue {
namespace {

// What tells one slide from another of the same name: no path, no time. OpenSlide's quick hash is of its coarsest level
// and its properties; plain pictures have none.
void add_identity(const slide::Slide& slide, cohort::Fingerprint& fingerprint) {
  fingerprint.set("slide_size", fmt::format("{}x{}", slide.size().width, slide.size().height));
  const auto hash = slide.properties().find("openslide.quickhash-1");
  if (hash != slide.properties().end()) {
    fingerprint.set("slide_hash", hash->second);
    return;
  }
  std::error_code none;
  fingerprint.set("slide_bytes", fmt::format("{}", std::filesystem::file_size(slide.path(), none)));
}

}  // namespace

cohort::Fingerprint segmentation_fingerprint(const slide::Slide& slide, const TissueOptions& options) {
  TissueOptions resolved = options;
  resolved.seg_level = resolve_level(slide, options.seg_level, "seg_level");
  cohort::Fingerprint fingerprint;
  add_identity(slide, fingerprint);
  for (const auto& [name, value] : option_texts(resolved)) {
    const bool of_the_picture = name == "vis_level" || name == "line_thickness";
    const bool unused = name == "sthresh" && options.use_otsu;
    if (!of_the_picture && !unused) fingerprint.set(name, value);
  }
  return fingerprint;
}

}  // namespace hipt::tissue
