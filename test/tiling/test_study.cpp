// Tissue and tiles of one slide in a study's folder: outputs, process list, skipping, refusing, going on.

#include <fmt/format.h>

#include "hipt/base/sha256.h"
#include "hipt/image/png.h"
#include "hipt/tiling/study.h"
#include "hipt/tissue/study.h"

#include "test/support/support.h"
#include "test/tiling/clam_tile_options.h"

namespace hipt::test {
namespace {

std::string sha256_of_picture(const std::filesystem::path& file) {
  const image::RgbImage picture = image::read_png(file);
  return sha256_hex(std::as_bytes(std::span(picture.data(), picture.byte_size())));
}

// CLAM's row without slide_id, process, status: "0,8,7,4,False,none,none,100.0,...".
std::string clam_columns(const cohort::Outcome& outcome) {
  std::string row = fmt::format("{},0,{}", outcome.slide_id, cohort::to_string(outcome.status));
  for (const auto& [name, value] : outcome.columns) {
    row += "," + value;
    if (name == "contour_fn") break;  // ours follow
  }
  return row;
}

ClamCase case_of(const std::string& slide_file, const std::string& id) {
  for (ClamCase& one : clam_cases(slide_file)) {
    if (one.id == id) return std::move(one);
  }
  FAIL("no case " << id);
  return {};
}

struct Study {
  explicit Study(const std::filesystem::path& file) : slide(slide::open_slide(file)) {}

  std::shared_ptr<const slide::Slide> slide;
  TemporaryFolder folder;
  cohort::StudyFolder root{folder.path()};

  tiling::TileResult tile(const tissue::TissueOptions& tissue, const tiling::TileOptions& tile, bool auto_skip = true,
                          const std::function<bool()>& still_ours = {}) const {
    return tiling::tile_slide(*slide, tissue, tile, root, auto_skip, still_ours);
  }
};

void check_case(const std::string& slide_file, const std::string& id) {
  const auto path = clam_slide(slide_file);
  if (!path) return skip(slide_file + " is not here");
  const Study study(*path);
  const std::string name = study.slide->id();
  const ClamCase one = case_of(slide_file, id);
  const tiling::TileResult made = study.tile(clam_tissue_options(one), clam_tile_options(one));
  CHECK(made.outcome.status == cohort::Status::Processed);
  CHECK(clam_columns(made.outcome) == one.process_list_row);
  CHECK(made.outcome.columns.back().second == fmt::format("{}", one.result.at("n_coords").get<int>()));
  CHECK(sha256_of_picture(study.root.mask(name)) == one.result.at("mask").at("rgb_sha256"));
  CHECK(std::filesystem::exists(study.root.contours(name)));
  const tiling::Coordinates read = tiling::read_coordinates(study.root.coordinates(name));
  CHECK(read.points == made.coordinates.points);
  CHECK(std::filesystem::exists(study.root.stitch(name)) == one.result.contains("stitch"));
  if (one.result.contains("stitch")) {
    CHECK(tiling::coordinates_sha256(read) == one.result.at("coords_sha256_int64"));
    CHECK(sha256_of_picture(study.root.stitch(name)) == one.result.at("stitch").at("rgb_sha256"));
  }
  MESSAGE(id << ": files and process list equal");
}

TEST_CASE("files of a study and row of the process list: cmu-bwh_biopsy-256") {
  check_case("CMU-1-Small-Region.svs", "cmu-bwh_biopsy-256");
}
TEST_CASE("files of a study and row of the process list: cmu-tcga-4096") {
  check_case("CMU-1-Small-Region.svs", "cmu-tcga-4096");
}
TEST_CASE("files of a study and row of the process list: m20-tcga-256") {
  check_case("mosaic-20x.svs", "m20-tcga-256");
}
TEST_CASE("files of a study and row of the process list: m20-bwh_biopsy-4096") {
  check_case("mosaic-20x.svs", "m20-bwh_biopsy-4096");
}

TEST_CASE("mag 20 of a 20x slide is level 0: m20-tcga-4096") {
  const auto path = clam_slide("mosaic-20x.svs");
  if (!path) return skip("mosaic-20x.svs is not here");
  const Study study(*path);
  const ClamCase one = case_of("mosaic-20x.svs", "m20-tcga-4096");
  tiling::TileOptions options = clam_tile_options(one);
  const tiling::TileResult by_level = study.tile(clam_tissue_options(one), options);
  options.patch_level = -1;
  options.step_size = 0;
  const tiling::TileResult by_mag = study.tile(clam_tissue_options(one), options);
  CHECK(by_mag.outcome.status == cohort::Status::AlreadyExist);
  CHECK(tiling::coordinates_sha256(by_mag.coordinates) == one.result.at("coords_sha256_int64"));
}

TEST_CASE("all tissue of a small slide is dropped and the reason names the remedy: cmu-default-256") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  const tiling::TileResult made = study.tile(tissue::preset("default"), {});
  CHECK(made.coordinates.points.empty());
  CHECK(made.outcome.status == cohort::Status::Processed);
  const std::string& reason = made.outcome.reason;
  CHECK_MESSAGE(reason.find("no tissue: the largest of") == 0, reason);
  CHECK_MESSAGE(reason.find("those above 100") != std::string::npos, reason);
  CHECK_MESSAGE(reason.find("--preset bwh_biopsy (a_t 1) or --a_t 9 keeps it") != std::string::npos, reason);

  // The same is told when nothing is left to do, and the remedies work.
  const tiling::TileResult again = study.tile(tissue::preset("default"), {});
  CHECK(again.outcome.status == cohort::Status::AlreadyExist);
  CHECK(again.outcome.reason == reason);
  CHECK(again.outcome.columns == made.outcome.columns);
  tissue::TissueOptions smaller = tissue::preset("default");
  smaller.a_t = 9;
  CHECK(tissue::segment(*study.slide, smaller).contours.size() == 1);
  CHECK(tissue::segment(*study.slide, tissue::preset("bwh_biopsy")).contours.size() == 1);

  smaller.sthresh = 255;
  const tissue::Tissue none = tissue::segment(*study.slide, smaller);  // CLAM stops here with an AxisError
  CHECK(none.contours.empty());
  CHECK(tissue::explain_no_tissue(none, smaller).find("more saturated than 255") != std::string::npos);
}

TEST_CASE("regions that do not fit are told: cmu-4096-nopad") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  const ClamCase one = case_of("CMU-1-Small-Region.svs", "cmu-4096-nopad");
  const tiling::TileResult made = study.tile(clam_tissue_options(one), clam_tile_options(one));
  CHECK(made.coordinates.points.empty());
  CHECK(made.outcome.reason.find("no patch: 4096 x 4096 pixels do not fit on the slide of 2220 x 2967") == 0);
}

// A crop of the demo slide as a picture: small, so that making it often is quick.
std::optional<std::filesystem::path> small_slide(const TemporaryFolder& folder) {
  const auto path = demo_slide();
  if (!path) {
    skip("CMU-1-Small-Region.svs is not here");
    return std::nullopt;
  }
  const std::filesystem::path crop = folder / "crop.png";
  image::write_png(crop, slide::open_slide(*path)->read_region({600, 600}, 0, {900, 800}).view());
  return crop;
}

TEST_CASE("what is there and equal is left alone and what differs is refused") {
  const TemporaryFolder slides;
  const auto path = small_slide(slides);
  if (!path) return;
  const Study study(*path);
  tiling::TileOptions tile;
  tile.patch_level = 0;
  const tissue::TissueOptions biopsy = tissue::preset("bwh_biopsy");
  const tiling::TileResult made = study.tile(biopsy, tile);
  const std::string id = study.slide->id();
  const std::filesystem::path files[] = {study.root.mask(id), study.root.contours(id), study.root.coordinates(id),
                                         study.root.stitch(id)};
  std::vector<std::string> bytes;
  for (const auto& file : files) bytes.push_back(read_text(file));

  const tiling::TileResult again = study.tile(biopsy, tile);
  CHECK(again.outcome.status == cohort::Status::AlreadyExist);
  CHECK(again.outcome.columns == made.outcome.columns);
  CHECK(again.fingerprint == made.fingerprint);

  // Each file that is missing is made again, with the same bytes.
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::filesystem::remove(files[i]);
    CHECK(study.tile(biopsy, tile).outcome.status == cohort::Status::Processed);
    CHECK_MESSAGE(read_text(files[i]) == bytes[i], files[i].filename().string());
  }

  std::string message;
  tiling::TileOptions other = tile;
  other.patch_size = 512;
  CHECK(error_of([&] { study.tile(biopsy, other); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("patch_size: 256 there, 512 now") != std::string::npos, message);
  CHECK_MESSAGE(message.find("--no_auto_skip") != std::string::npos, message);
  CHECK(error_of([&] { study.tile(tissue::preset("tcga"), tile); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("masks/crop.png: was made otherwise (a_h: 1 there, 4 now") != std::string::npos, message);
  CHECK(study.tile(biopsy, other, false).outcome.status == cohort::Status::Processed);
  CHECK(study.tile(biopsy, other).outcome.status == cohort::Status::AlreadyExist);
}

TEST_CASE("a file of another program is not overwritten unasked") {
  const TemporaryFolder slides;
  const auto path = small_slide(slides);
  if (!path) return;
  const Study study(*path);
  tiling::TileOptions tile;
  tile.patch_level = 0;
  const std::filesystem::path file = study.root.coordinates(study.slide->id());
  std::filesystem::create_directories(file.parent_path());
  std::filesystem::copy_file(golden("clam/layout/patches.h5"), file);
  std::string message;
  CHECK(error_of([&] { study.tile(tissue::preset("bwh_biopsy"), tile); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("no fingerprint of hipt") != std::string::npos, message);
  CHECK(read_text(file) == read_text(golden("clam/layout/patches.h5")));
}

TEST_CASE("a slide that another process took over is not written") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  const auto lost = [] { return false; };
  CHECK(error_of([&] { study.tile(tissue::preset("bwh_biopsy"), {}, true, lost); }) == ErrorCode::Io);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(study.folder.path()))
    files += entry.is_regular_file();
  CHECK(files == 0);
}

}  // namespace
}  // namespace hipt::test
