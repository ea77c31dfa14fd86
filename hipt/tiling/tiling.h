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

struct TileOptions {
  std::int64_t patch_size = 256;   // px of the target
  std::int64_t step_size = 0;      // px of the target; 0 = patch_size
  std::optional<double> mag = 20;  // the level with this magnification
  std::int64_t patch_level = -1;   // >= 0: exactly CLAM, pixels of that level; overrides mag
  bool use_padding = true;         // patches may hang over the contour's box and the slide
  ContourTest contour_fn = ContourTest::FourPoint;
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
  v(o.mag,
    {.name = "mag", .help = "magnification of the patches; needs a level that has it", .min = 0.01, .max = 1000});
  v(o.patch_level, {.name = "patch_level",
                    .help = "exactly CLAM: pixels of this pyramid level, instead of --mag",
                    .min = -1,
                    .max = 100});
  v(o.use_padding, {.name = "use_padding", .help = "patches may hang over the slide's border"});
  v(o.contour_fn, {.name = "contour_fn", .help = "which points of a patch must lie in the contour"});
}

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

// The level that the options mean: patch_level, else the first level whose downsample is within 0.1 of the one that
// `mag` asks for (TRIDENT's tolerance). Throws InvalidArgument for a missing level, Unsupported naming the remedies
// when no level has that magnification or the slide's own is unknown.
PixelRule resolve_pixels(const slide::Slide& slide, const TileOptions& options);

struct Coordinates {
  std::vector<Level0Point> points;        // top-left corners, contour after contour, x outer, y inner
  std::vector<std::int64_t> per_contour;  // how many of each contour; empty when read from a file
  std::int64_t contours = 0;              // of the tissue; 0 when another program wrote the file
  std::string reason;                     // why there is no point ("no tissue: ..."); "" otherwise
  PixelRule pixels;
};

// Throws as resolve_pixels does.
Coordinates find_coordinates(const slide::Slide& slide, const tissue::Tissue& tissue, const TileOptions& options);

// SHA-256 of the points as int64 pairs, little-endian: the "hash of the coordinates" of fingerprints.
std::string coordinates_sha256(const Coordinates& coordinates);

// The attributes of the dataset coords: CLAM's (patch_size = pixels of patch_level, custom_downsample = 1), then
// TRIDENT's, with the same types. Magnifications are left out where the slide's is unknown.
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

// CLAM's stitch: the patches on black, at the best level for downsample 64. Throws Unsupported above 933,120,000
// pixels.
image::RgbImage draw_stitch(const slide::Slide& slide, const Coordinates& coordinates);

// What decides the content of a coordinate file, levels as resolved.
cohort::Fingerprint tiling_fingerprint(const slide::Slide& slide, const tissue::TissueOptions& tissue,
                                       const TileOptions& options);

}  // namespace hipt::tiling
