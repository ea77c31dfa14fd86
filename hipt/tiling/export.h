#pragma once
// The pixels of a slide's patches as pictures, for training elsewhere: an archive a slide in the WebDataset convention,
// or a folder a slide.

#include <cstdint>
#include <span>

#include "hipt/base/options.h"
#include "hipt/base/run_context.h"
#include "hipt/cohort/output.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/tiling/study.h"

namespace hipt::tiling {

enum class PatchFormat { Png, Jpg };
inline std::span<const EnumName<PatchFormat>> enum_names(PatchFormat) {
  static constexpr EnumName<PatchFormat> kNames[] = {{PatchFormat::Png, "png"}, {PatchFormat::Jpg, "jpg"}};
  return kNames;
}

// TRIDENT's flags, --tar and --report. None of them changes coordinates.
struct ExportOptions {
  bool tar = false;                                    // tar_patch_<patch_size>/<slide>.tar
  bool dump_patches = false;                           // patch_images/<slide>/
  PatchFormat dump_patches_format = PatchFormat::Png;  // in both
  std::int64_t dump_patches_jpeg_quality = 90;
  bool report = false;  // report.html (hipt/tiling/report.h)
};

template <class Visitor>
void describe(ExportOptions& o, Visitor& v) {
  v(o.tar, {.name = "tar",
            .help = "also write the patches' pixels: tar_patch_<patch_size>/<slide>.tar, for WebDataset",
            .affects = Affects::HowItRuns});
  v(o.dump_patches, {.name = "dump_patches",
                     .help = "also write the patches' pixels: pictures in patch_images/<slide>/",
                     .affects = Affects::HowItRuns});
  v(o.dump_patches_format, {.name = "dump_patches_format", .help = "of these pictures", .affects = Affects::HowItRuns});
  v(o.dump_patches_jpeg_quality, {.name = "dump_patches_jpeg_quality",
                                  .help = "of jpg pictures",
                                  .min = 1,
                                  .max = 100,
                                  .affects = Affects::HowItRuns});
  v(o.report, {.name = "report",
               .help = "also write report.html: every slide with pictures, counts and warnings",
               .affects = Affects::HowItRuns});
}

// Writes what the options ask for and is not there yet; nothing for a slide without patches. True when it wrote
// something. What is there and equal in fingerprint is left alone with `auto_skip`; what was made otherwise throws as
// cohort::require_equal does.
//
// The archive holds <key>.png (or .jpg) and <key>.json for each patch in the order of the coordinates (one
// of patches at the same place). Key:
// <slide>_<x>_<y>, x and y in level-0 pixels, dots of the slide's name as underscores, because WebDataset ends a key at
// the first dot. The json has slide, x, y, level, read_size, patch_size, and mpp (um a pixel of the picture) and
// magnification where the slide tells them. A first member "__hipt__", which WebDataset passes over, has fingerprint
// and version. The folder holds <slide>_<x>_<y>.png (or .jpg), and the same as hipt.json.
//
// Patches are read and encoded by the pool's threads, a few at a time; each set appears whole or not at all. A stop
// request throws Cancelled, a full disk Io.
bool export_patches(const slide::Slide& slide, const TileResult& tiles, const ExportOptions& options,
                    const cohort::StudyFolder& folder, bool auto_skip, RunContext& context,
                    const cohort::StillOurs& still_ours);

}  // namespace hipt::tiling
