#pragma once
// The tissue of a slide: segmentation exactly as CLAM does it (wsi_core/WholeSlideImage.py segmentTissue;
// docs/parity.md), or outlines that the user brings.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/base/options.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/image/image.h"
#include "hipt/io/geojson.h"
#include "hipt/slide/slide.h"

namespace hipt::tissue {

// CLAM's parameters by its names (its script's defaults), then ours.
struct TissueOptions {
  std::string preset = "default";         // default, bwh_biopsy, bwh_resection, tcga: sets what follows
  std::int64_t seg_level = -1;            // pyramid level; -1 = best level for downsample 64
  std::int64_t sthresh = 8;               // saturation above which a pixel is tissue
  std::int64_t sthresh_up = 255;          // the value that the threshold writes for tissue; 0 = nothing is tissue
  std::int64_t mthresh = 7;               // side of the median filter, px of seg_level, odd
  std::int64_t close = 4;                 // side of the closing, px of seg_level, 0 = none
  bool use_otsu = false;                  // Otsu's threshold instead of sthresh
  std::vector<std::int64_t> keep_ids;     // only these of the contours found (Contour::id); empty = all
  std::vector<std::int64_t> exclude_ids;  // without these; one that does not exist changes nothing
  double a_t = 100;                       // least tissue area, in squares of 512 px of level 0, holes subtracted
  double a_h = 16;                        // least hole area, same unit
  std::int64_t max_n_holes = 8;           // holes a contour, largest first
  std::int64_t vis_level = -1;            // level of the mask picture; -1 = best level for downsample 64
  std::int64_t line_thickness = 250;      // of the outline, px of level 0

  std::string tissue_from;   // outlines instead of a segmentation: GeoJSON, PNG, or a folder of <slide>.geojson, .png
  std::string tissue_class;  // of a GeoJSON file, only polygons of this class or name; empty = all
  bool remove_penmarks = false;  // see artifacts.h for the methods
  bool remove_blur = false;
  bool remove_black = false;
  bool number_contours = false;  // also draw contours/<slide>.png: outlines with their ids
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
  v(o.sthresh_up,
    {.name = "sthresh_up", .help = "value written for tissue; 0: nothing is tissue", .min = 0, .max = 255});
  v(o.mthresh, {.name = "mthresh", .unit = "px", .help = "side of the median filter (odd)", .min = 1, .max = 255});
  v(o.close, {.name = "close", .unit = "px", .help = "side of the closing, 0: none", .min = 0, .max = 255});
  v(o.use_otsu, {.name = "use_otsu", .help = "Otsu's threshold instead of sthresh"});
  v(o.keep_ids, {.name = "keep_ids", .help = "only the contours with these numbers (1,3); none: all", .min = 0});
  v(o.exclude_ids, {.name = "exclude_ids", .help = "without the contours with these numbers", .min = 0});
  v(o.a_t, {.name = "a_t", .unit = "512-px squares", .help = "least tissue area of a contour", .min = 0});
  v(o.a_h, {.name = "a_h", .unit = "512-px squares", .help = "least area of a hole", .min = 0});
  v(o.max_n_holes, {.name = "max_n_holes", .help = "holes kept a contour", .min = 0});
  v(o.vis_level,
    {.name = "vis_level", .help = "level of the mask picture; -1: best for downsample 64", .min = -1, .max = 100});
  v(o.line_thickness,
    {.name = "line_thickness", .unit = "px of level 0", .help = "of the outlines", .min = 0, .max = 32767});
  v(o.tissue_from, {.name = "tissue_from",
                    .help = "outlines instead of a segmentation: a .geojson, a mask .png, or a folder with "
                            "<slide>.geojson or <slide>.png"});
  v(o.tissue_class, {.name = "tissue_class", .help = "of tissue_from, only polygons with this QuPath class or name"});
  v(o.remove_penmarks, {.name = "remove_penmarks", .help = "pen is no tissue"});
  v(o.remove_blur, {.name = "remove_blur", .help = "what is out of focus is no tissue"});
  v(o.remove_black, {.name = "remove_black", .help = "what is nearly black is no tissue"});
  v(o.number_contours, {.name = "number_contours",
                        .help = "also draw contours/<slide>.png, outlines with the numbers of keep_ids",
                        .affects = Affects::HowItRuns});
}

// The parameters of a preset by name. Throws InvalidArgument listing the names.
TissueOptions preset(std::string_view name);

using Ring = std::vector<Level0Point>;  // closed polygon, first point not repeated

struct Contour {
  Ring outline;
  std::vector<Ring> holes;
  std::int64_t id = 0;  // its place among the contours found, before keep_ids and exclude_ids
  // Of polygons that tissue_from gives: outline and holes with their fractions of pixels. Empty: there are none.
  std::vector<io::DrawnRing> drawn = {};
};

// One byte a pixel, row-major.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> values;  // [height, width]
};

// What remove_penmarks, remove_blur and remove_black took away, on a picture of about 8 um a pixel.
enum class Artifact : std::uint8_t { None, Pen, Black, Blur };
struct Artifacts {
  image::RgbImage picture;  // the slide as it was judged
  Plane kinds;              // an Artifact a pixel of `picture`
};

struct Tissue {
  int seg_level = 0;              // as resolved
  std::int64_t reduction = 1;     // of that level, when it was too large (slide::WholeLevel)
  double threshold = 0;           // sthresh, or what Otsu chose
  std::vector<Contour> contours;  // OpenCV's order; of tissue_from, the file's
  std::vector<Contour> left_out;  // by keep_ids and exclude_ids
  // Net areas (512-px squares of level 0) of the contours that were too small, largest first: to explain an empty
  // result.
  std::vector<double> dropped_areas;
  std::string nothing_given;           // why tissue_from gives no contour; "" otherwise
  std::optional<Artifacts> artifacts;  // when one of the remove_ options is on
};

// The tissue by these options: segmentation, or what tissue_from gives, then keep_ids and exclude_ids. A segmentation
// level of more than 1e8 pixels (CLAM: failed_seg) is seen as a virtual one (slide/whole_level.h), parameters as there.
// Throws InvalidArgument for a missing level, an even mthresh or a kept id that does not exist, and what given.h says.
Tissue segment(const slide::Slide& slide, const TissueOptions& options);

// Why `tissue` has no contour: the areas that were found, the a_t that dropped them, and a preset or --a_t that keeps
// them.
std::string explain_no_tissue(const Tissue& tissue, const TissueOptions& options);

// CLAM's mask picture: vis_level with outlines in green and holes in blue. Throws as segment does.
image::RgbImage draw_mask(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options);

// The level that seg_level or vis_level means: -1 is the best level for downsample 64. Throws InvalidArgument naming
// `flag` when the slide has no such level.
int resolve_level(const slide::Slide& slide, std::int64_t level, std::string_view flag);

// What tells one slide from another of the same name: no path, no time. OpenSlide's quick hash is of its coarsest level
// and its properties; plain pictures have none.
cohort::Fingerprint slide_identity(const slide::Slide& slide);

// What decides the contours of a slide: its identity and the segmentation's parameters as resolved, not how the mask
// picture looks. Of tissue_from, the SHA-256 of the file's content, not its name. Throws as segment does.
cohort::Fingerprint segmentation_fingerprint(const slide::Slide& slide, const TissueOptions& options);

}  // namespace hipt::tissue
