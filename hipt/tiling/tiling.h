#pragma once
// Patches and regions of the tissue: CLAM's grid per contour (WholeSlideImage.py process_contours), and the coordinate
// files patches/<slide>.h5.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/base/options.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/image/image.h"
#include "hipt/io/hdf5.h"
#include "hipt/slide/slide.h"
#include "hipt/tissue/tissue.h"

namespace hipt::tiling {

// Which points of a patch must lie inside a contour (CLAM's contour_fn).
enum class ContourTest { FourPoint, FourPointHard, Center, Basic };
inline std::span<const EnumName<ContourTest>> enum_names(ContourTest) {
  static constexpr EnumName<ContourTest> kNames[] = {{ContourTest::FourPoint, "four_pt"},
                                                     {ContourTest::FourPointHard, "four_pt_hard"},
                                                     {ContourTest::Center, "center"},
                                                     {ContourTest::Basic, "basic"}};
  return kNames;
}

// Where the candidates lie.
enum class GridKind {
  Contour,  // CLAM: a grid for each contour, from the corner of its bounding box; grids of neighbours may overlap
  Global,   // TRIDENT: one grid from (0, 0); a place counts when it touches the outlines, simplified as TRIDENT does
};
inline std::span<const EnumName<GridKind>> enum_names(GridKind) {
  static constexpr EnumName<GridKind> kNames[] = {{GridKind::Contour, "contour"}, {GridKind::Global, "global"}};
  return kNames;
}

// Three rules say which pixels are meant; the first of these that is given holds: patch_level, mpp, mag.
struct TileOptions {
  std::int64_t patch_size = 256;   // px of the target
  std::int64_t step_size = 0;      // px of the target; 0 = patch_size
  std::optional<double> mag = 20;  // magnification, as objective or mpp's bucket name it; a finer level reduced
  std::optional<double> mpp;       // true microns per pixel; overrides mag
  double mpp_tolerance = 0.05;     // relative: a level with a spacing this near to mpp is taken as it is
  std::int64_t patch_level = -1;   // >= 0: exactly CLAM, pixels of that level; overrides mpp and mag
  bool use_padding = true;         // patches may hang over the contour's box and the slide
  ContourTest contour_fn = ContourTest::FourPoint;
  GridKind grid = GridKind::Contour;
  double tissue_fraction = 0;                // least part of a patch inside outlines and outside holes
  std::int64_t min_patches_per_contour = 1;  // fewer: the contour gives none. 1 = CLAM since 2023, 2 = before (HIPT)
  std::optional<double> white_thresh;   // patches with a mean saturation below are dropped (CLAM's older script: 5)
  std::optional<double> black_thresh;   // patches whose channels' means are all below are dropped (there: 40, 50)
  std::vector<std::int64_t> top_left;   // x, y: corners of patches lie right of and below, px of level 0
  std::vector<std::int64_t> bot_right;  // x, y: ... left of and above (exclusive)
  bool align_regions = false;           // patches are the cells of the regions that are kept
  std::int64_t region_size = 4096;      // px of the target, a multiple of patch_size
};

template <class Visitor>
void describe(TileOptions& o, Visitor& v) {
  v(o.patch_size, {.name = "patch_size",
                   .unit = "px",
                   .help = "side of a patch or region at the target magnification",
                   .min = 1,
                   .max = 1000000});
  v(o.step_size,
    {.name = "step_size", .unit = "px", .help = "from patch to patch; 0: patch_size", .min = 0, .max = 1000000});
  v(o.mag, {.name = "mag",
            .help = "magnification of the patches; a finer level is reduced when none has it",
            .min = 0.01,
            .max = 1000});
  v(o.mpp, {.name = "mpp", .unit = "um/px", .help = "true spacing, instead of --mag", .min = 0.001, .max = 1000});
  v(o.mpp_tolerance, {.name = "mpp_tolerance",
                      .help = "relative difference up to which a level is taken as it is",
                      .min = 0,
                      .max = 0.5});
  v(o.patch_level, {.name = "patch_level",
                    .help = "exactly CLAM: pixels of this pyramid level, instead of --mag",
                    .min = -1,
                    .max = 100});
  v(o.use_padding, {.name = "use_padding", .help = "patches may hang over the slide's border"});
  v(o.contour_fn, {.name = "contour_fn", .help = "which points of a patch must lie in the contour"});
  v(o.grid, {.name = "grid", .help = "a grid for each contour (CLAM), or one from the slide's corner (TRIDENT)"});
  v(o.tissue_fraction,
    {.name = "tissue_fraction", .help = "least part of a patch that is tissue, holes excluded", .min = 0, .max = 1});
  v(o.min_patches_per_contour, {.name = "min_patches_per_contour",
                                .help = "contours with fewer patches give none; 2: as CLAM did until 2023",
                                .min = 1});
  v(o.white_thresh, {.name = "white_thresh", .help = "drop patches of less mean saturation", .min = 0, .max = 255});
  v(o.black_thresh,
    {.name = "black_thresh", .help = "drop patches with all channel means below", .min = 0, .max = 255});
  v(o.top_left, {.name = "top_left", .unit = "px of level 0", .help = "x,y where patches may begin"});
  v(o.bot_right, {.name = "bot_right", .unit = "px of level 0", .help = "x,y before which patches must begin"});
  v(o.align_regions, {.name = "align_regions", .help = "patches are the cells of the regions that are kept"});
  v(o.region_size, {.name = "region_size", .unit = "px", .help = "side of these regions", .min = 1, .max = 1000000});
}

// Throws InvalidArgument naming the flag for a number out of range and for options that contradict each other.
void check_options(const TileOptions& options);

// How a patch is read: read_size x read_size px of `level`, resampled to patch_size x patch_size px (Pillow's bicubic)
// where these differ.
struct PixelRule {
  int level = 0;                  // pyramid level
  std::int64_t read_size = 256;   // px of that level
  std::int64_t patch_size = 256;  // px that the encoder sees
};

// The pixels of a patch or region, patch_size x patch_size. Throws as Slide::read_region does.
image::RgbImage read_patch(const slide::Slide& slide, const PixelRule& pixels, Level0Point origin);

// The magnification of level 0: the objective, else by microns per pixel as TRIDENT sorts them (below 0.16: 80x, 0.2:
// 60x, 0.3: 40x, 0.6: 20x, 1.2: 10x, 2.4: 5x). Nothing when the slide has neither, or is coarser.
std::optional<double> slide_magnification(const slide::Slide& slide);

// How the options' patches are read. By patch_level: that level. By mag: the first level whose downsample is within 0.1
// of the one asked for, else the next finer level reduced (TRIDENT's rule). By mpp: the level nearest in spacing if it
// is within mpp_tolerance, else the next finer one resampled. What no level is fine enough for is level 0 enlarged.
// Throws InvalidArgument for a missing level or options that contradict each other, Unsupported naming the remedies
// when the slide does not tell what the rule needs.
PixelRule resolve_pixels(const slide::Slide& slide, const TileOptions& options);

struct Coordinates {
  // Top-left corners. Contour after contour, x outer, y inner; with a global grid y outer, x inner; with align_regions
  // the cells of each region together, y outer, x inner.
  std::vector<Level0Point> points;
  std::vector<std::int64_t> per_contour;  // how many of each contour; empty when read from a file, or by a global grid
  std::int64_t contours = 0;              // of the tissue; 0 when another program wrote the file
  std::string reason;                     // why there is no point ("no tissue: ..."); "" otherwise
  PixelRule pixels;
};

// Throws as resolve_pixels does, and as Slide::read_region where white_thresh or black_thresh look at pixels.
Coordinates find_coordinates(const slide::Slide& slide, const tissue::Tissue& tissue, const TileOptions& options);

// SHA-256 of the points as int64 pairs, little-endian: the "hash of the coordinates" of fingerprints.
std::string coordinates_sha256(const Coordinates& coordinates);

// The attributes of the dataset coords: CLAM's (patch_size = pixels of patch_level, custom_downsample = 1), then
// TRIDENT's, with the same types, then ours: target_patch_size (what the encoder sees), microns per pixel. What the
// slide does not tell is left out.
io::Attributes coordinate_attributes(const slide::Slide& slide, const TileOptions& options, const PixelRule& pixels);

// patches/<slide>.h5 as CLAM writes it (coords int64 [N, 2], its attributes and types), with TRIDENT's attributes and
// our fingerprint beside. Written even when empty ((0, 2)), atomically; `still_ours`, when given, is asked before the
// file gets its name (cohort::process_slides).
void write_coordinates(const std::filesystem::path& file, const slide::Slide& slide, const TileOptions& options,
                       const Coordinates& coordinates, const cohort::Fingerprint& fingerprint,
                       const std::function<bool()>& still_ours = {});
// Any CLAM, TRIDENT or hipt coordinate file. `fingerprint` receives ours when present. Throws Corrupt naming file and
// attribute.
Coordinates read_coordinates(const std::filesystem::path& file,
                             std::optional<cohort::Fingerprint>* fingerprint = nullptr);

// CLAM's stitch: the patches on black, at the best level for downsample 64 (a virtual one, slide::whole_level, where
// that has more than 1e8 pixels).
image::RgbImage draw_stitch(const slide::Slide& slide, const Coordinates& coordinates);

// What decides the content of a coordinate file, levels as resolved.
cohort::Fingerprint tiling_fingerprint(const slide::Slide& slide, const tissue::TissueOptions& tissue,
                                       const TileOptions& options);

}  // namespace hipt::tiling
