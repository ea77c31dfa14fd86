#pragma once
// The main job on one slide: tissue and coordinates if missing, then features of patches, or of regions and the slide.

#include <functional>

#include "hipt/base/run_context.h"
#include "hipt/cohort/batch.h"
#include "hipt/encode/models.h"
#include "hipt/encode/options.h"
#include "hipt/tiling/tiling.h"
#include "hipt/tissue/tissue.h"

namespace hipt::encode {

// All that decides what `hipt encode` writes for a slide.
struct SlideJob {
  tissue::TissueOptions tissue;
  tiling::TileOptions tile;
  EncodeOptions encode;
  bool auto_skip = true;  // false: redo what is already there (--no_auto_skip)
  // Pixels that may be in flight for this slide (TileStream::most_bytes). Slides that are encoded at once have a part
  // of their own each: with one budget between them, each could wait for what the other holds.
  std::int64_t most_pixel_bytes = std::int64_t{1} << 30;
};

// Whether these options mean regions of 256-px patches (HIPT_4K) rather than single patches. Throws InvalidArgument for
// a size that the model cannot read: ViT-256 reads multiples of 16 up to 256 px as patches and multiples of 256 above
// as regions, ResNet-50 patches of any size up to 256 px; with target_patch_size, which is what the model then reads,
// patches may have any size.
bool encodes_regions(const EncodeOptions& options, std::int64_t patch_size);

// Patches: patch features [M, dim]. Regions: patch features [M, n, dim], region features [M, dim4k], slide features
// [dim4k] (mean of the regions; none for a slide without regions, whose files have 0 rows and whose outcome says why).
// Everything present and equal in fingerprint is left alone. Throws Error InvalidArgument naming the difference when
// something present was made otherwise.
cohort::Outcome encode_slide(const cohort::SlideEntry& entry, const cohort::StudyFolder& folder, const SlideJob& job,
                             const Models& models, RunContext& context, const std::function<bool()>& still_ours);

}  // namespace hipt::encode
