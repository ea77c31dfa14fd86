// Which patches are kept beyond CLAM's contour tests: the rule of 2022, regions of interest, the older script's pixel
// tests, the part that is tissue, cells of regions.

#include <cmath>
#include <iostream>
#include <set>

#include <fmt/format.h>

#include "hipt/tiling/grid.h"

#include "test/support/support.h"
#include "test/tiling/clam_tile_options.h"
#include "test/tiling/fake_slide.h"

namespace hipt::test {
namespace {

TEST_CASE("contours of one patch give none by the rule of 2022: every case of the oracle") {
  std::size_t cases = 0;
  std::size_t different = 0;
  for (const char* file : {"CMU-1-Small-Region.svs", "mosaic-20x.svs", "odd-levels.svs"}) {
    const auto path = clam_slide(file);
    if (!path) {
      skip(std::string(file) + " is not here");
      continue;
    }
    const auto slide = slide::open_slide(*path);
    for (const ClamCase& one : clam_cases(file)) {
      if (one.only_segmented || !one.result.contains("n_coords_2022_rule")) continue;
      tiling::TileOptions options = clam_tile_options(one);
      options.min_patches_per_contour = 2;
      const auto coordinates = tiling::find_coordinates(*slide, clam_tissue(one), options);
      CHECK_MESSAGE(coordinates.points.size() == one.result.at("n_coords_2022_rule").get<std::size_t>(), one.id);
      different += coordinates.points.size() != one.result.at("n_coords").get<std::size_t>();
      ++cases;
    }
  }
  std::cout << fmt::format("rule of 2022: {} cases, {} of them with fewer patches than today's", cases, different)
            << std::endl;
}

// One case of the older script: bag-script.json.
struct BagCase {
  std::string id;
  std::string slide;
  std::string preset;
  std::function<void(tiling::TileOptions&)> change;
  std::int64_t divided_by = 1;  // its coordinates are divided by the level's truncated downsample times the custom one
};

void check_bag_case(const BagCase& one) {
  const auto path = clam_slide(one.slide);
  if (!path) return skip(one.slide + " is not here");
  const auto slide = slide::open_slide(*path);
  tissue::TissueOptions tissue_options = tissue::preset(one.preset);
  if (one.preset == "default") tissue_options.a_t = tissue_options.a_h = 1;
  tiling::TileOptions options;
  options.patch_level = 0;
  options.white_thresh = 5;
  options.black_thresh = 50;
  one.change(options);
  std::set<std::pair<std::int64_t, std::int64_t>> ours;
  for (const Level0Point point :
       tiling::find_coordinates(*slide, tissue::segment(*slide, tissue_options), options).points)
    ours.emplace(point.x / one.divided_by, point.y / one.divided_by);
  std::set<std::pair<std::int64_t, std::int64_t>> expected;
  const auto rows = clam_array("bag-script-coords.npz", one.id).as<std::int32_t>();
  for (std::size_t i = 0; i < rows.size(); i += 2) expected.emplace(rows[i], rows[i + 1]);
  CHECK_MESSAGE(ours == expected, fmt::format("{}: {} of ours, {} expected", one.id, ours.size(), expected.size()));
  std::cout << fmt::format("{}: {} patches, the same set", one.id, ours.size()) << std::endl;
}

TEST_CASE("white and black patches are dropped as the older script does: bag-cmu-biopsy-256") {
  check_bag_case({"bag-cmu-biopsy-256", "CMU-1-Small-Region.svs", "bwh_biopsy", [](auto&) {}});
}
TEST_CASE("white and black patches are dropped as the older script does: bag-cmu-white40") {
  check_bag_case({"bag-cmu-white40", "CMU-1-Small-Region.svs", "default",
                  [](auto& o) { o.white_thresh = 40, o.black_thresh = 40; }});
}
TEST_CASE("white and black patches are dropped as the older script does: bag-cmu-black130") {
  check_bag_case({"bag-cmu-black130", "CMU-1-Small-Region.svs", "default",
                  [](auto& o) { o.black_thresh = 130, o.patch_size = 128; }});
}
TEST_CASE("white and black patches are dropped as the older script does: bag-odd-level1") {
  check_bag_case(
      {"bag-odd-level1", "odd-levels.svs", "bwh_biopsy", [](auto& o) { o.patch_level = 1, o.patch_size = 128; }, 3});
}
TEST_CASE("white and black patches are dropped as the older script does: bag-odd-custom2") {
  // Its --custom_downsample 2 of a 20x slide is 10x: 512 px of level 0 reduced to 256.
  check_bag_case(
      {"bag-odd-custom2", "odd-levels.svs", "bwh_biopsy", [](auto& o) { o.patch_level = -1, o.mag = 10; }, 2});
}
TEST_CASE("white and black patches are dropped as the older script does: bag-m20-tcga-1024") {
  check_bag_case({"bag-m20-tcga-1024", "mosaic-20x.svs", "tcga", [](auto& o) { o.patch_size = 1024; }});
}

tissue::Tissue square_tissue(std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom) {
  tissue::Tissue tissue;
  tissue.contours.push_back({{{left, top}, {right, top}, {right, bottom}, {left, bottom}}, {}});
  return tissue;
}

TEST_CASE("a region of interest clamps the grid of a contour as CLAM's process_contour does") {
  // spec 3.4: start = max(corner of the box, top_left), stop = min(end of the box, bot_right); candidates from start.
  const FakeSlide slide({{10000, 10000}}, 20, std::nullopt);
  const tissue::Tissue tissue = square_tissue(100, 200, 2100, 2200);
  tiling::TileOptions options;
  options.patch_size = 500;
  options.top_left = {300, 0};
  options.bot_right = {1300, 1200};
  const auto points = tiling::find_coordinates(slide, tissue, options).points;
  CHECK(points == std::vector<Level0Point>{{300, 200}, {300, 700}, {800, 200}, {800, 700}});
  options.bot_right = {300, 1200};
  CHECK(tiling::find_coordinates(slide, tissue, options).points.empty());
  // The global grid stays where it is.
  options.grid = tiling::GridKind::Global;
  options.bot_right = {1300, 1000};
  CHECK(tiling::find_coordinates(slide, tissue, options).points ==
        std::vector<Level0Point>{{500, 0}, {1000, 0}, {500, 500}, {1000, 500}});
}

TEST_CASE("the part of a patch that is tissue: outlines together and holes taken out") {
  const tiling::PlaneRing square = {{0, 0}, {100, 0}, {100, 100}, {0, 100}};
  const tiling::PlaneRing hole = {{20, 20}, {20, 80}, {80, 80}, {80, 20}};
  const tiling::PlaneRing beside = {{50, 0}, {150, 0}, {150, 100}, {50, 100}};  // overlaps by half
  const tiling::TissueArea area({{square, {hole}}, {beside, {}}});
  CHECK(area.fraction({0, 0}, {200, 100}) == doctest::Approx((15000 - 60 * 30) / 20000.0));
  CHECK(area.fraction({60, 10}, {50, 50}) == 1);
  CHECK(area.fraction({20, 20}, {30, 60}) == doctest::Approx(0));
  CHECK(area.touches({20, 20}, {30, 60}));  // its boundary
  CHECK(!area.touches({25, 25}, {10, 10}));
  CHECK(area.touches({150, 100}, {10, 10}));  // one corner
  CHECK(!area.touches({151, 100}, {10, 10}));
  CHECK(area.fraction({1000, 1000}, {10, 10}) == 0);
  const tiling::TissueArea nothing{std::vector<tiling::Polygon>{}};
  CHECK(!nothing.touches({0, 0}, {10, 10}));
  CHECK(nothing.fraction({0, 0}, {10, 10}) == 0);
  // A ring that crosses itself: a bow tie of two triangles of 25 px each.
  const tiling::TissueArea tie({{{{0, 0}, {10, 10}, {10, 0}, {0, 10}}, {}}});
  CHECK(tie.fraction({0, 0}, {10, 10}) == doctest::Approx(0.5));
}

TEST_CASE("many small pieces add up to the area of the whole") {
  // A comb of 400 teeth, 2 px wide and 4 apart: half of every square between the first and the last is tissue.
  tiling::PlaneRing comb;
  for (int tooth = 0; tooth < 400; ++tooth) {
    const double x = 4 * tooth;
    for (const tiling::PlanePoint point : {tiling::PlanePoint{x, 10}, {x, 1000}, {x + 2, 1000}, {x + 2, 10}})
      comb.push_back(point);
  }
  comb.push_back({1598, 0});
  comb.push_back({0, 0});
  const tiling::TissueArea area({{comb, {}}});
  CHECK(area.fraction({0, 10}, {1600, 990}) == doctest::Approx(0.5));
  for (std::int64_t x = 0; x < 1500; x += 100) CHECK(area.fraction({x, 100}, {100, 100}) == doctest::Approx(0.5));
}

TEST_CASE("tissue_fraction drops patches of the contours' grids by their exact outlines") {
  const FakeSlide slide({{10000, 10000}}, 20, std::nullopt);
  tiling::TileOptions options;
  options.patch_size = 100;
  options.contour_fn = tiling::ContourTest::Basic;
  const auto kept = [&](double fraction) {
    options.tissue_fraction = fraction;
    return tiling::find_coordinates(slide, square_tissue(0, 0, 150, 150), options).points.size();
  };
  CHECK(kept(0) == 4);
  CHECK(kept(0.25) == 4);
  CHECK(kept(0.26) == 3);
  CHECK(kept(0.51) == 1);
  CHECK(kept(1) == 1);
}

TEST_CASE("aligned patches are the cells of the regions that the same options keep") {
  const auto path = clam_slide("mosaic-20x.svs");
  if (!path) return skip("mosaic-20x.svs is not here");
  const auto slide = slide::open_slide(*path);
  const tissue::Tissue tissue = tissue::segment(*slide, tissue::preset("tcga"));
  tiling::TileOptions options;
  options.patch_size = 4096;
  const tiling::Coordinates regions = tiling::find_coordinates(*slide, tissue, options);
  options.patch_size = 256;
  options.align_regions = true;
  const tiling::Coordinates patches = tiling::find_coordinates(*slide, tissue, options);
  CHECK(regions.points.size() == 6);  // m20-tcga-4096
  REQUIRE(patches.points.size() == 256 * regions.points.size());
  for (std::size_t r = 0; r < regions.points.size(); ++r) {
    for (std::int64_t i = 0; i < 16; ++i) {
      for (std::int64_t j = 0; j < 16; ++j) {
        const Level0Point cell{regions.points[r].x + 256 * j, regions.points[r].y + 256 * i};
        CHECK(patches.points[r * 256 + static_cast<std::size_t>(16 * i + j)] == cell);
      }
    }
  }
  CHECK(patches.pixels.read_size == 256);
  for (std::size_t contour = 0; contour < regions.per_contour.size(); ++contour)
    CHECK(patches.per_contour[contour] == 256 * regions.per_contour[contour]);
}

TEST_CASE("cells of a resampled region tile it without a gap") {
  // 4096 px of 0.5 um are 7728.3 px of 0.265 um: cells of 483 px.
  const FakeSlide slide({{40000, 40000}}, 40, 0.265);
  tiling::TileOptions options;
  options.mpp = 0.5;
  options.align_regions = true;
  const auto points = tiling::find_coordinates(slide, square_tissue(0, 0, 7000, 7000), options).points;
  REQUIRE(points.size() == 256);
  for (std::int64_t j = 0; j < 16; ++j) CHECK(points[static_cast<std::size_t>(j)].x == std::llround(7728 * j / 16.0));
}

}  // namespace
}  // namespace hipt::test
