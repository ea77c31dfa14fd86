// Tissue that the user brings: polygons, mask pictures, edited contours.

#include <algorithm>

#include <fmt/format.h>

#include "hipt/image/draw.h"
#include "hipt/image/png.h"
#include "hipt/tissue/given.h"
#include "hipt/tissue/study.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

constexpr std::string_view kTwoClasses = R"([
  {"type": "Feature", "properties": {"classification": {"name": "Tumor"}}, "geometry": {"type": "Polygon",
   "coordinates": [[[100.4, 100.5], [900, 100], [900, 700], [100, 700], [100.4, 100.5]],
                   [[300, 300], [400, 300], [400, 400], [300, 300]]]}},
  {"type": "Feature", "properties": {"name": "fat"}, "geometry": {"type": "MultiPolygon", "coordinates": [
   [[[1200, 100], [1300, 100], [1300, 200], [1200, 100]]], [[[-50, 500], [90, 500], [90, 600], [-50, 500]]]]}}])";

std::pair<Level0Point, Level0Point> corners(const tissue::Ring& ring) {
  Level0Point least = ring.front();
  Level0Point most = ring.front();
  for (const Level0Point point : ring) {
    least = {std::min(least.x, point.x), std::min(least.y, point.y)};
    most = {std::max(most.x, point.x), std::max(most.y, point.y)};
  }
  return {least, most};
}

struct Study {
  TemporaryFolder folder;
  std::shared_ptr<const slide::Slide> slide;
  cohort::StudyFolder root{folder / "D"};

  explicit Study(const std::filesystem::path& file) : slide(slide::open_slide(file)) {}
  std::string write(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    write_text(folder / name, text);
    return (folder / name).string();
  }
  tissue::Tissue given(const std::string& from, const std::string& wanted = "") const {
    tissue::TissueOptions options;
    options.tissue_from = from;
    options.tissue_class = wanted;
    return tissue::segment(*slide, options);
  }
  cohort::Outcome run(const tissue::TissueOptions& options, bool auto_skip = true) const {
    return tissue::tissue_of_slide(*slide, options, root, auto_skip, {});
  }
};

TEST_CASE("tissue from GeoJSON: rounded points and holes and classes and ids") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  const std::string file = study.write("drawn.geojson", kTwoClasses);
  const tissue::Tissue all = study.given(file);
  REQUIRE(all.contours.size() == 3);
  CHECK(all.contours[0].outline ==
        tissue::Ring{{100, 101}, {900, 100}, {900, 700}, {100, 700}});  // rounded, halves away from zero
  CHECK(all.contours[0].holes == std::vector<tissue::Ring>{{{300, 300}, {400, 300}, {400, 400}}});
  CHECK(all.contours[2].outline.front() == Level0Point{-50, 500});
  CHECK(all.contours[2].id == 2);
  CHECK(study.given(file, "Tumor").contours.size() == 1);
  CHECK(study.given(file, "fat").contours.size() == 2);
  const tissue::Tissue none = study.given(file, "tumor");
  CHECK(tissue::explain_no_tissue(none, {}) ==
        "no tissue: none of the 3 polygons of --tissue_from has the --tissue_class tumor; there are: Tumor, fat");
  tissue::TissueOptions options;
  options.tissue_from = file;
  options.exclude_ids = {0};
  CHECK(tissue::segment(*study.slide, options).contours.size() == 2);
}

TEST_CASE("tissue from a folder: the file of the slide's name") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  study.write("drawn/CMU-1-Small-Region.geojson", kTwoClasses);
  const std::string folder = (study.folder / "drawn").string();
  CHECK(study.given(folder).contours.size() == 3);
  image::write_png(study.folder / "drawn/CMU-1-Small-Region.png", image::RgbImage(4, 4).view());
  std::string message;
  CHECK(error_of([&] { study.given(folder); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("holds both CMU-1-Small-Region.geojson and CMU-1-Small-Region.png") != std::string::npos,
                message);
  std::filesystem::create_directories(study.folder / "empty");
  CHECK(error_of([&] { study.given((study.folder / "empty").string()); }, &message) == ErrorCode::NotFound);
  CHECK_MESSAGE(message.ends_with("empty: holds neither CMU-1-Small-Region.geojson nor CMU-1-Small-Region.png"),
                message);
  CHECK(error_of([&] { study.given((study.folder / "absent.geojson").string()); }) == ErrorCode::NotFound);
  const std::string other = study.write("mask.tif", "II*");
  CHECK(error_of([&] { study.given(other); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("tissue from a mask picture is stretched over the slide") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);  // 2220 x 2967
  image::RgbImage mask(222, 297);
  image::fill_rectangle(mask, 20, 30, 101, 151, {255, 255, 255});
  image::fill_rectangle(mask, 50, 60, 41, 41, {0, 0, 0});
  image::fill_rectangle(mask, 200, 200, 2, 2, {0, 0, 1});  // barely not black, and tiny: kept all the same
  image::write_png(study.folder / "mask.png", mask.view());
  const std::string file = (study.folder / "mask.png").string();
  const tissue::Tissue tissue = study.given(file);
  REQUIRE(tissue.contours.size() == 2);  // OpenCV lists from the bottom up
  const tissue::Contour& large = tissue.contours[1];
  // 2220 / 222 = 10 px a pixel, 2967 / 297 = 9.9899; outlines run through pixels, holes through the tissue around.
  CHECK(corners(large.outline) == std::pair{Level0Point{200, 299}, Level0Point{1200, 1798}});
  REQUIRE(large.holes.size() == 1);
  CHECK(corners(large.holes[0]) == std::pair{Level0Point{490, 589}, Level0Point{910, 1008}});
  CHECK(error_of([&] { study.given(file, "Tumor"); }) == ErrorCode::InvalidArgument);
  image::write_png(study.folder / "mask.png", image::RgbImage(8, 8).view());
  CHECK(tissue::explain_no_tissue(study.given(file), {}) ==
        "no tissue: the mask of --tissue_from has no area that is not black");
}

TEST_CASE("tissue from a file: its content is in the fingerprint and its name is not") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  const auto of = [&](const std::string& file, std::int64_t sthresh = 8) {
    tissue::TissueOptions options;
    options.tissue_from = file;
    options.sthresh = sthresh;
    return tissue::segmentation_fingerprint(*study.slide, options);
  };
  const std::string file = study.write("one.geojson", kTwoClasses);
  const cohort::Fingerprint one = of(file);
  CHECK(one == of(study.write("other.geojson", kTwoClasses)));
  CHECK(one == of(file, 20));  // nothing is segmented
  CHECK(one != of(study.write("less.geojson", "[]")));
  CHECK_FALSE(one.entries().contains("tissue_from"));
}

TEST_CASE("contours edited by hand are used by tissue_from and never passed over") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const Study study(*path);
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  CHECK(study.run(options).status == cohort::Status::Processed);
  CHECK(study.run(options).status == cohort::Status::AlreadyExist);
  const std::filesystem::path contours = study.root.contours(study.slide->id());
  write_text(contours, kTwoClasses);
  std::string message;
  CHECK(error_of([&] { study.run(options); }, &message) == ErrorCode::InvalidArgument);
  const std::string remedy = fmt::format(
      "--tissue_from {} --no_auto_skip goes on with the edited contours, "
      "--no_auto_skip alone makes them anew",
      contours.parent_path().string());
  CHECK_MESSAGE(message.ends_with(remedy), message);

  options.tissue_from = contours.parent_path().string();
  CHECK(study.run(options, false).status == cohort::Status::Processed);
  CHECK(read_text(contours) == kTwoClasses);
  CHECK(study.run(options).status == cohort::Status::AlreadyExist);
  CHECK(study.run(options).columns.back().second == "3");
  write_text(contours, "[]");
  CHECK(error_of([&] { study.run(options); }) == ErrorCode::InvalidArgument);

  options.tissue_from = "";
  CHECK(study.run(options, false).columns.back().second == "1");
  CHECK(read_text(contours) != "[]");
}

TEST_CASE("contours written by hipt give the same tissue when they are brought back") {
  const auto path = shared_data("slides/made/mosaic-20x.svs");
  if (!path) return skip("mosaic-20x.svs is not here");
  const Study study(*path);
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  const tissue::Tissue found = tissue::segment(*study.slide, options);
  tissue::write_tissue(*study.slide, found, options, study.root, {});
  const tissue::Tissue again = study.given(study.root.contours("mosaic-20x").string());
  REQUIRE(again.contours.size() == found.contours.size());
  for (std::size_t i = 0; i < found.contours.size(); ++i) {
    CHECK(again.contours[i].outline == found.contours[i].outline);
    CHECK(again.contours[i].holes == found.contours[i].holes);
  }
}

}  // namespace
}  // namespace hipt::test
