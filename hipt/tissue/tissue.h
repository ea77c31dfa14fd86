#pragma once
// Tissue segmentation exactly as CLAM does it (wsi_core/WholeSlideImage.py segmentTissue; docs/parity.md).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/base/options.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/image/image.h"
#include "hipt/slide/slide.h"

namespace hipt::tissue {

// CLAM's parameters by its names (its script's defaults).
struct TissueOptions {
  std::string preset = "default";     // default, bwh_biopsy, bwh_resection, tcga: sets what follows
  std::int64_t seg_level = -1;        // pyramid level; -1 = best level for downsample 64
  std::int64_t sthresh = 8;           // saturation above which a pixel is tissue
  std::int64_t mthresh = 7;           // side of the median filter, px of seg_level, odd
  std::int64_t close = 4;             // side of the closing, px of seg_level, 0 = none
  bool use_otsu = false;              // Otsu's threshold instead of sthresh
  double a_t = 100;                   // least tissue area, in squares of 512 px of level 0, holes subtracted
  double a_h = 16;                    // least hole area, same unit
  std::int64_t max_n_holes = 8;       // holes a contour, largest first
  std::int64_t vis_level = -1;        // level of the mask picture; -1 = best level for downsample 64
  std::int64_t line_thickness = 250;  // of the outline, px of level 0
};

template <class Visitor>
void describe(TissueOptions& o, Visitor& v) {
  // The preset's name makes no output: the values that it sets do, and they are told one by one.
  v(o.preset, {.name = "preset",
               .help = "default, bwh_biopsy, bwh_resection or tcga: sets the flags below",
               .affects = Affects::HowItRuns});
  v(o.seg_level, {.name = "seg_level",
                  .help = "pyramid level of the segmentation; -1: best for downsample 64",
                  .min = -1,
                  .max = 100});
  v(o.sthresh, {.name = "sthresh", .help = "saturation above which a pixel is tissue", .min = 0, .max = 255});
  v(o.mthresh, {.name = "mthresh", .unit = "px", .help = "side of the median filter (odd)", .min = 1, .max = 255});
  v(o.close, {.name = "close", .unit = "px", .help = "side of the closing, 0: none", .min = 0, .max = 255});
  v(o.use_otsu, {.name = "use_otsu", .help = "Otsu's threshold instead of sthresh"});
  v(o.a_t, {.name = "a_t", .unit = "512-px squares", .help = "least tissue area of a contour", .min = 0});
  v(o.a_h, {.name = "a_h", .unit = "512-px squares", .help = "least area of a hole", .min = 0});
  v(o.max_n_holes, {.name = "max_n_holes", .help = "holes kept a contour", .min = 0});
  v(o.vis_level,
    {.name = "vis_level", .help = "level of the mask picture; -1: best for downsample 64", .min = -1, .max = 100});
  v(o.line_thickness,
    {.name = "line_thickness", .unit = "px of level 0", .help = "of the outlines", .min = 0, .max = 32767});
}

// The parameters of a preset by name. Throws InvalidArgument listing the names.
TissueOptions preset(std::string_view name);

using Ring = std::vector<Level0Point>;  // closed polygon, first point not repeated

struct Contour {
  Ring outline;
  std::vector<Ring> holes;
};

struct Tissue {
  int seg_level = 0;              // as resolved
  double threshold = 0;           // sthresh, or what Otsu chose
  std::vector<Contour> contours;  // OpenCV's order
  // Net areas (512-px squares of level 0) of the contours that were too small, largest first: to explain an empty
  // result.
  std::vector<double> dropped_areas;
};

// Throws Unsupported when the segmentation level has more than 1e8 pixels (CLAM: failed_seg), InvalidArgument for a
// missing level or an even mthresh.
Tissue segment(const slide::Slide& slide, const TissueOptions& options);

// Why `tissue` has no contour: the areas that were found, the a_t that dropped them, and a preset or --a_t that keeps
// them.
std::string explain_no_tissue(const Tissue& tissue, const TissueOptions& options);

// CLAM's mask picture: vis_level with outlines in green and holes in blue. Throws as segment does.
image::RgbImage draw_mask(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options);

// The level that seg_level or vis_level means: -1 is the best level for downsample 64. Throws InvalidArgument naming
// `flag` when the slide has no such level.
int resolve_level(const slide::Slide& slide, std::int64_t level, std::string_view flag);

// What decides the contours of a slide: its identity and the segmentation's parameters as resolved, not how the mask
// picture looks.
cohort::Fingerprint segmentation_fingerprint(const slide::Slide& slide, const TissueOptions& options);

}  // namespace hipt::tissue
