// The global grid against TRIDENT 0.3.0 (oracle trident/): every case with its polygons, row by row.

#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/tiling/grid.h"
#include "hipt/tiling/simplify.h"

#include "test/support/npz.h"
#include "test/support/support.h"
#include "test/tiling/fake_slide.h"

namespace hipt::test {
namespace {

using nlohmann::json;

json trident_cases() {
  return json::parse(read_text(golden("trident/index.json"))).at("cases");
}

std::vector<tiling::Polygon> trident_polygons(const std::string& name) {
  static const auto arrays = read_npz(golden("trident/polygons.npz"));
  const auto rings = arrays.at(name + "_rings").as<std::int32_t>();
  const auto points = arrays.at(name + "_points").as<double>();
  std::vector<tiling::Polygon> polygons;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rings.size(); i += 3) {
    tiling::PlaneRing ring;
    for (std::int32_t count = rings[i + 2]; count > 0; --count, next += 2)
      ring.push_back({points[next], points[next + 1]});
    if (rings[i + 1] == 0)
      polygons.push_back({std::move(ring), {}});
    else
      polygons.back().holes.push_back(std::move(ring));
  }
  return polygons;
}

// The slide and the request that a case's attributes tell.
FakeSlide slide_of(const json& attributes) {
  const Size size{attributes.at("level0_width"), attributes.at("level0_height")};
  return FakeSlide({size}, attributes.at("level0_magnification").get<double>(), std::nullopt);
}

tiling::TileOptions options_of(const json& one) {
  const json& attributes = one.at("attrs");
  tiling::TileOptions options;
  options.grid = tiling::GridKind::Global;
  options.mag = attributes.at("target_magnification").get<double>();
  options.patch_size = attributes.at("patch_size");
  options.step_size = options.patch_size - attributes.at("overlap").get<std::int64_t>();
  options.tissue_fraction = one.at("min_tissue_proportion");
  return options;
}

std::vector<Level0Point> expected_points(const json& one) {
  static const auto arrays = read_npz(golden("trident/coords.npz"));
  const auto rows = arrays.at(one.at("coords").get<std::string>()).as<std::int32_t>();
  std::vector<Level0Point> points;
  for (std::size_t i = 0; i < rows.size(); i += 2) points.push_back({rows[i], rows[i + 1]});
  return points;
}

TEST_CASE("global grid: all 90 coordinate cases of TRIDENT row by row") {
  int equal = 0;
  for (const json& one : trident_cases()) {
    const std::string id = one.at("id");
    const FakeSlide slide = slide_of(one.at("attrs"));
    const tiling::TileOptions options = options_of(one);
    std::vector<tiling::Polygon> polygons = trident_polygons(one.at("contours"));
    for (tiling::Polygon& polygon : polygons)
      polygon = tiling::simplify(polygon, static_cast<double>(options.patch_size) / 4);
    const tiling::TissueArea area(polygons);
    const tiling::Grid grid = tiling::resolve_grid(tiling::resolve_scale(slide, options), options);
    CHECK_MESSAGE(grid.patch.width == one.at("attrs").at("patch_size_level0"), id);
    tiling::Coordinates coordinates;
    coordinates.points = tiling::global_points(area, slide.size(), grid, options);
    const bool same = coordinates.points == expected_points(one);
    CHECK_MESSAGE(same, id);
    if (same) CHECK_MESSAGE(tiling::coordinates_sha256(coordinates) == one.at("coords_sha256_int64"), id);
    if (same) std::cout << "TRIDENT equal: " << id << '\n';
    equal += same;
  }
  CHECK(equal == 90);
}

TEST_CASE(
    "global grid: polygons of a file keep their fractions of pixels: the 30 cases of TRIDENT with given polygons") {
  int equal = 0;
  for (const json& one : trident_cases()) {
    const std::string contours = one.at("contours");
    if (!contours.ends_with("-given")) continue;
    const FakeSlide slide = slide_of(one.at("attrs"));
    tissue::TissueOptions tissue_options;
    tissue_options.tissue_from = golden("trident/" + contours + ".geojson").string();
    const tiling::Coordinates coordinates =
        tiling::find_coordinates(slide, tissue::segment(slide, tissue_options), options_of(one));
    const bool same = coordinates.points == expected_points(one);
    CHECK_MESSAGE(same, one.at("id").get<std::string>());
    equal += same;
  }
  CHECK(equal == 30);
}

}  // namespace
}  // namespace hipt::test
