#include "hipt/tiling/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/text.h"
#include "hipt/cohort/output.h"
#include "hipt/tiling/grid.h"
#include "hipt/tissue/study.h"

namespace hipt::tiling {
namespace {

// The tests that a patch must pass, as their flags.
std::string tests_of(const TileOptions& options) {
  std::string tests =
      options.grid == GridKind::Contour ? fmt::format("--contour_fn {}", name_of(options.contour_fn)) : "--grid global";
  if (options.tissue_fraction > 0) tests += fmt::format(", --tissue_fraction {}", options.tissue_fraction);
  if (options.min_patches_per_contour > 1)
    tests += fmt::format(", --min_patches_per_contour {}", options.min_patches_per_contour);
  if (options.white_thresh) tests += fmt::format(", --white_thresh {}", *options.white_thresh);
  if (options.black_thresh) tests += fmt::format(", --black_thresh {}", *options.black_thresh);
  if (!options.top_left.empty()) tests += fmt::format(", --top_left {}", fmt::join(options.top_left, ","));
  if (!options.bot_right.empty()) tests += fmt::format(", --bot_right {}", fmt::join(options.bot_right, ","));
  return tests;
}

std::string explain_no_patch(const slide::Slide& slide, const TileOptions& options) {
  const TileOptions tested = options.align_regions ? region_options(options) : options;
  const Size patch = resolve_grid(resolve_scale(slide, tested), tested).patch;
  const std::string_view smaller = options.align_regions ? "--region_size" : "--patch_size";
  if (!options.use_padding && (patch.width > slide.size().width || patch.height > slide.size().height)) {
    return fmt::format(
        "no patch: {} x {} pixels do not fit on the slide of {} x {}; allow --use_padding or choose a smaller {}",
        patch.width, patch.height, slide.size().width, slide.size().height, smaller);
  }
  return fmt::format("no patch: none of {} x {} pixels of level 0 passes {} in the tissue found; choose a smaller {}{}",
                     patch.width, patch.height, tests_of(options), smaller,
                     options.grid == GridKind::Contour ? " or --contour_fn four_pt" : "");
}

// The coordinates that are there and equal in fingerprint.
std::optional<Coordinates> find_made(const std::filesystem::path& file, const cohort::Fingerprint& now) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  std::optional<cohort::Fingerprint> there;
  Coordinates coordinates = read_coordinates(file, &there);
  cohort::require_equal(file, there, now);
  return coordinates;
}

cohort::Fingerprint stitch_fingerprint(cohort::Fingerprint fingerprint, const Coordinates& coordinates) {
  fingerprint.set("coordinates_sha256", coordinates_sha256(coordinates));
  return fingerprint;
}

// What the slide says of its scale, and which pixels became patches. No name is that of an option: the list may come
// back as a --process_list.
void add_pixel_columns(const slide::Slide& slide, const PixelRule& pixels, cohort::Columns& columns) {
  const std::optional<double> magnification = slide_magnification(slide);
  columns.emplace_back("slide_mpp", slide.mpp() ? fmt::format("{:.6g}", slide.mpp()->value) : "");
  columns.emplace_back("slide_mpp_from", slide.mpp() ? slide.mpp()->source : "");
  columns.emplace_back("slide_magnification", magnification ? fmt::format("{:.4g}", *magnification) : "");
  columns.emplace_back("read_level", fmt::format("{}", pixels.level));
  columns.emplace_back("read_size", fmt::format("{}", pixels.read_size));
  columns.emplace_back("patch_pixels", fmt::format("{}", pixels.patch_size));
}

// One slide's way through the steps.
class Tiler {
 public:
  Tiler(const slide::Slide& slide, const tissue::TissueOptions& tissue_options, const TileOptions& tile_options,
        const cohort::StudyFolder& folder, const cohort::StillOurs& still_ours)
      : slide_(slide),
        tissue_options_(tissue_options),
        tile_options_(tile_options),
        folder_(folder),
        still_ours_(still_ours) {
    result_.fingerprint = tiling_fingerprint(slide, tissue_options, tile_options);
  }

  TileResult run(bool auto_skip) {
    if (auto_skip) look();
    const bool all_there = tissue_there_ && coordinates_there_ && stitch_there();
    if (!coordinates_there_ || !tissue_there_) make_tissue_and_coordinates();
    if (!all_there && has_points()) {
      cohort::write_picture(stitch_file(), draw_stitch(slide_, result_.coordinates).view(),
                            stitch_fingerprint(result_.fingerprint, result_.coordinates), {}, still_ours_);
    }
    result_.attributes = coordinate_attributes(slide_, tile_options_, result_.coordinates.pixels);
    describe_outcome(all_there);
    return std::move(result_);
  }

 private:
  std::filesystem::path coordinates_file() const { return folder_.coordinates(slide_.id()); }
  std::filesystem::path stitch_file() const { return folder_.stitch(slide_.id()); }
  bool has_points() const { return !result_.coordinates.points.empty(); }

  void look() {
    tissue_there_ = tissue::find_tissue(slide_, tissue_options_, folder_).has_value();
    if (auto made = find_made(coordinates_file(), result_.fingerprint)) {
      result_.coordinates = std::move(*made);
      coordinates_there_ = true;
    }
  }

  bool stitch_there() const {
    if (!has_points()) return true;
    return cohort::text_of_equal_picture(stitch_file(), stitch_fingerprint(result_.fingerprint, result_.coordinates))
        .has_value();
  }

  void make_tissue_and_coordinates() {
    const tissue::Tissue tissue = tissue::segment(slide_, tissue_options_);
    if (!tissue_there_) tissue::write_tissue(slide_, tissue, tissue_options_, folder_, still_ours_);
    if (coordinates_there_) return;
    Coordinates& coordinates = result_.coordinates;
    coordinates = find_coordinates(slide_, tissue, tile_options_);
    if (tissue.contours.empty()) {
      coordinates.reason = tissue::explain_no_tissue(tissue, tissue_options_);
    } else if (coordinates.points.empty()) {
      coordinates.reason = explain_no_patch(slide_, tile_options_);
    }
    write_coordinates(coordinates_file(), slide_, tile_options_, coordinates, result_.fingerprint, still_ours_);
  }

  void describe_outcome(bool all_there) {
    const Coordinates& coordinates = result_.coordinates;
    cohort::Outcome& outcome = result_.outcome;
    outcome.slide_id = slide_.path().filename().string();
    outcome.status = all_there ? cohort::Status::AlreadyExist : cohort::Status::Processed;
    outcome.reason = coordinates.reason;
    outcome.columns = tissue::process_list_columns(slide_, tissue_options_);
    outcome.columns.emplace_back("use_padding", tile_options_.use_padding ? "True" : "False");
    outcome.columns.emplace_back("contour_fn", name_of(tile_options_.contour_fn));
    add_pixel_columns(slide_, coordinates.pixels, outcome.columns);
    outcome.columns.emplace_back("n_contours", fmt::format("{}", coordinates.contours));
    outcome.columns.emplace_back("n_patches", fmt::format("{}", coordinates.points.size()));
    outcome.summary = fmt::format("{} in {}", counted(std::ssize(coordinates.points), "patch", "patches"),
                                  counted(coordinates.contours, "contour", "contours"));
    const PixelRule& pixels = coordinates.pixels;
    if (pixels.patch_size > pixels.read_size) {
      outcome.summary += fmt::format("; WARNING: enlarged {:.3g} times, the slide has no pixels this fine",
                                     static_cast<double>(pixels.patch_size) / static_cast<double>(pixels.read_size));
    }
  }

  const slide::Slide& slide_;
  const tissue::TissueOptions& tissue_options_;
  const TileOptions& tile_options_;
  const cohort::StudyFolder& folder_;
  const cohort::StillOurs& still_ours_;
  TileResult result_;
  bool tissue_there_ = false;
  bool coordinates_there_ = false;
};

}  // namespace

cohort::Fingerprint tiling_fingerprint(const slide::Slide& slide, const tissue::TissueOptions& tissue_options,
                                       const TileOptions& tile_options) {
  const PixelRule pixels = resolve_pixels(slide, tile_options);
  const Grid grid = resolve_grid(resolve_scale(slide, tile_options), tile_options);
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{}", *value) : "none"; };
  const auto list = [](const std::vector<std::int64_t>& values) {
    return values.empty() ? "none" : fmt::format("{}", fmt::join(values, ","));
  };
  cohort::Fingerprint fingerprint = tissue::segmentation_fingerprint(slide, tissue_options);
  fingerprint.set("patch_level", fmt::format("{}", pixels.level));
  fingerprint.set("patch_size", fmt::format("{}", pixels.read_size));
  fingerprint.set("target_patch_size", fmt::format("{}", pixels.patch_size));
  fingerprint.set("step_size",
                  fmt::format("{}", tile_options.step_size > 0 ? tile_options.step_size : tile_options.patch_size));
  fingerprint.set("patch_size_level0", fmt::format("{}x{}", grid.patch.width, grid.patch.height));
  fingerprint.set("slide_mpp", slide.mpp() ? fmt::format("{}", slide.mpp()->value) : "none");
  fingerprint.set("target_mpp", tile_options.patch_level < 0 ? number(tile_options.mpp) : "none");
  fingerprint.set("use_padding", tile_options.use_padding ? "true" : "false");
  fingerprint.set("contour_fn", std::string(name_of(tile_options.contour_fn)));
  fingerprint.set("grid", std::string(name_of(tile_options.grid)));
  fingerprint.set("tissue_fraction", fmt::format("{}", tile_options.tissue_fraction));
  fingerprint.set("min_patches_per_contour", fmt::format("{}", tile_options.min_patches_per_contour));
  fingerprint.set("white_thresh", number(tile_options.white_thresh));
  fingerprint.set("black_thresh", number(tile_options.black_thresh));
  fingerprint.set("top_left", list(tile_options.top_left));
  fingerprint.set("bot_right", list(tile_options.bot_right));
  fingerprint.set("region_size", tile_options.align_regions ? fmt::format("{}", tile_options.region_size) : "none");
  return fingerprint;
}

TileResult tile_slide(const slide::Slide& slide, const tissue::TissueOptions& tissue_options,
                      const TileOptions& tile_options, const cohort::StudyFolder& folder, bool auto_skip,
                      const std::function<bool()>& still_ours) {
  return Tiler(slide, tissue_options, tile_options, folder, still_ours).run(auto_skip);
}

}  // namespace hipt::tiling
