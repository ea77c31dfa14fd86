// Reading polygons as QuPath, TRIDENT and hipt write them, and files that are none.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/io/geojson.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

std::vector<io::DrawnPolygon> polygons_in(std::string_view text) {
  const TemporaryFolder folder;
  write_text(folder / "drawn.geojson", text);
  return io::read_polygons(folder / "drawn.geojson");
}

// The reason why a file is refused, without its name in front.
std::string refused(std::string_view text, ErrorCode code = ErrorCode::Corrupt) {
  const TemporaryFolder folder;
  const auto file = folder / "drawn.geojson";
  write_text(file, text);
  std::string message;
  CHECK(error_of([&] { io::read_polygons(file); }, &message) == code);
  REQUIRE_MESSAGE(message.starts_with(file.string() + ": "), message);
  return message.substr(file.string().size() + 2);
}

std::string polygon(std::string_view rings) {
  return fmt::format(R"({{"type": "Polygon", "coordinates": [{}]}})", rings);
}

constexpr std::string_view kSquare = "[[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]";

TEST_CASE("geojson of QuPath: classes and names and fractions and unknown properties") {
  // As QuPath 0.4 and later export annotations and detections (docs: exporting annotations).
  const auto polygons = polygons_in(R"({"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": "5d6c1e30-5c68-4f7c-9f7e-0c4f1a4e3c1d",
     "geometry": {"type": "Polygon", "coordinates": [[[10.25, 20.5], [40.5, 20.5], [40.5, 60], [10.25, 20.5]]]},
     "properties": {"objectType": "annotation", "name": "core A", "isLocked": true,
                    "classification": {"name": "Tumor", "color": [200, 0, 0]}, "measurements": {"Area": 1.5}}},
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}},
    {"type": "Feature", "geometry": null, "properties": null},
    {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [
      [[[0, 0], [8, 0], [8, 8], [0, 8], [0, 0]], [[2, 2, 0], [4, 2, 0], [4, 4, 0], [2, 2, 0]]],
      [[[-5, -5], [-1, -5], [-1, -1], [-5, -5]]]]}, "properties": {"classification": {"name": "Stroma"}}}]})");
  REQUIRE(polygons.size() == 3);
  CHECK(polygons[0].classification == "Tumor");
  CHECK(polygons[0].name == "core A");
  REQUIRE(polygons[0].rings.size() == 1);
  REQUIRE(polygons[0].rings[0].size() == 3);  // the repeated first position is left out
  CHECK(polygons[0].rings[0][0].x == 10.25);
  CHECK(polygons[0].rings[0][1].y == 20.5);
  CHECK(polygons[1].classification == "Stroma");
  CHECK(polygons[1].name.empty());
  CHECK(polygons[1].feature == 3);
  CHECK(polygons[1].rings.size() == 2);
  CHECK(polygons[2].rings[0][0].x == -5);
}

TEST_CASE("geojson as a bare list or one Feature or one geometry or nested collections") {
  const std::string square = polygon(kSquare);
  const std::string feature = fmt::format(R"({{"type": "Feature", "geometry": {}}})", square);
  CHECK(polygons_in("[" + feature + ", " + feature + "]").size() == 2);
  CHECK(polygons_in(feature).size() == 1);
  CHECK(polygons_in(square).size() == 1);
  CHECK(polygons_in(fmt::format(R"({{"type": "GeometryCollection", "geometries": [{0},
    {{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}},
    {{"type": "GeometryCollection", "geometries": [{0}]}}]}})",
                                square))
            .size() == 2);
  CHECK(polygons_in(R"({"type": "FeatureCollection", "features": []})").empty());
  CHECK(polygons_in("[]").empty());
}

TEST_CASE("geojson written by hipt is read back point by point") {
  const TemporaryFolder folder;
  const std::vector<io::GeoPolygon> written{
      {{{0, 0}, {100, 0}, {100, 80}, {-5, 80}}, {{{10, 10}, {20, 10}, {20, 20}}}, 0},
      {{{7, 7}, {9, 7}, {9, 9}}, {}, 1}};
  io::write_polygons(folder / "c.geojson", written);
  const auto read = io::read_polygons(folder / "c.geojson");
  REQUIRE(read.size() == 2);
  for (std::size_t i = 0; i < read.size(); ++i) {
    REQUIRE(read[i].rings.size() == 1 + written[i].holes.size());
    REQUIRE(read[i].rings[0].size() == written[i].outline.size());
    for (std::size_t j = 0; j < written[i].outline.size(); ++j) {
      CHECK(read[i].rings[0][j].x == static_cast<double>(written[i].outline[j].x));
      CHECK(read[i].rings[0][j].y == static_cast<double>(written[i].outline[j].y));
    }
  }
}

TEST_CASE("geojson of TRIDENT is read: contours of the oracle") {
  for (const char* name : {"trident/cmu-given.geojson", "trident/m20-given.geojson", "trident/odd-given.geojson"}) {
    const auto file = shared_oracle(name);
    if (!file) return skip("the whole oracle is not here");
    const auto json = nlohmann::json::parse(read_text(*file));
    std::size_t polygons = 0;
    for (const auto& feature : json.at("features")) {
      const auto& geometry = feature.at("geometry");
      polygons += geometry.at("type") == "MultiPolygon" ? geometry.at("coordinates").size() : 1;
    }
    CHECK_MESSAGE(io::read_polygons(*file).size() == polygons, name);
  }
}

TEST_CASE("geojson where TRIDENT stops with a GEOSException: trident given_invalid") {
  const auto file = shared_oracle("trident/cmu-given_invalid.geojson");
  if (!file) return skip("the whole oracle is not here");
  std::string message;
  CHECK(error_of([&] { io::read_polygons(*file); }, &message) == ErrorCode::Corrupt);
  CHECK_MESSAGE(message.find("feature 0: the polygon's edges cross at (") != std::string::npos, message);
}

TEST_CASE("geojson that is broken names the file and the feature") {
  CHECK(refused("").starts_with("no GeoJSON: "));
  CHECK(refused("{\"type\": \"FeatureCollection\", \"features\": [").starts_with("no GeoJSON: "));
  CHECK(refused("3") == "feature 0: is no object");
  CHECK(refused("{}") == "feature 0: a geometry without type");
  CHECK(refused(R"({"type": "FeatureCollection"})") == "a FeatureCollection without features");
  CHECK(refused(R"([{"type": "Feature", "id": "a1", "geometry": {"type": "Polygon", "coordinates": []}}])") ==
        "feature 0 (id a1): a Polygon without rings");
  CHECK(refused(R"({"type": "MultiPolygon", "coordinates": []})") == "feature 0: a MultiPolygon without polygons");
  CHECK(refused(polygon("[]")) == "feature 0: ring 0: is empty");
  CHECK(refused(polygon("[[0, 0], [9, 0], [9, 9], [0, 1]]")) ==
        "feature 0: ring 0: is open: it begins at (0, 0) and ends at (0, 1)");
  CHECK(refused(polygon("[[0, 0], [9, 0], [0, 0]]")) == "feature 0: ring 0: has 3 positions, a ring has at least 4");
  CHECK(refused(polygon("[[0, 0], [9, 9], [3, 3], [0, 0]]")) == "feature 0: ring 0: encloses no area");
  CHECK(refused(polygon("[[0, 0], [9, \"0\"], [9, 9], [0, 0]]")) ==
        "feature 0: ring 0: a position is not a pair of numbers");
  CHECK(refused(polygon("[[0, 0], [9], [9, 9], [0, 0]]")) == "feature 0: ring 0: a position is not a pair of numbers");
  CHECK(refused(polygon("[[0, 0], [536870913, 0], [9, 9], [0, 0]]")) ==
        "feature 0: ring 0: (536870913, 0) lies beyond 2^29 pixels");
  CHECK(refused(polygon("[[0, 0], [1e400, 0], [9, 9], [0, 0]]")).starts_with("no GeoJSON: "));
  CHECK(refused(fmt::format(R"([{}, {{"type": "Polygon", "coordinates": 7}}])", polygon(kSquare))) ==
        "feature 1: a Polygon without rings");
  std::string nested = polygon(kSquare);
  for (int i = 0; i < 40; ++i) {
    nested = fmt::format(R"({{"type": "GeometryCollection", "geometries": [{}]}})", nested);
  }
  CHECK(refused(nested) == "feature 0: GeometryCollections in each other without end");
  CHECK(refused(std::string(1'000'000, '[')).starts_with("no GeoJSON: "));
  CHECK(error_of([] { io::read_polygons("absent.geojson"); }) == ErrorCode::NotFound);
}

TEST_CASE("geojson polygons that cross are refused and ones that touch are not") {
  // A bow tie; a hole over the border; two holes over each other.
  CHECK(refused(polygon("[[0, 0], [100, 100], [100, 0], [0, 90], [0, 0]]")).find("edges cross at (47.4, 47.4)") !=
        std::string::npos);
  CHECK(refused(polygon(fmt::format("{}, [[50, 50], [150, 50], [150, 60], [50, 60], [50, 50]]", kSquare)))
            .find("edges cross at (100.0, 50.0); repair it in QuPath") != std::string::npos);
  CHECK(refused(polygon(fmt::format("{}, [[10, 10], [50, 10], [50, 50], [10, 50], [10, 10]], "
                                    "[[30, 30], [70, 30], [70, 70], [30, 70], [30, 30]]",
                                    kSquare)))
            .find("edges cross at") != std::string::npos);
  // A spike one pixel thin, a hole that touches the outline at a corner and along an edge.
  CHECK(polygons_in(polygon("[[0, 0], [100, 0], [100, 50], [140, 50], [100, 50], [100, 100], [0, 100], [0, 0]]"))
            .size() == 1);
  CHECK(polygons_in(polygon(fmt::format("{}, [[0, 0], [10, 20], [20, 10], [0, 0]]", kSquare))).size() == 1);
  CHECK(polygons_in(polygon(fmt::format("{}, [[0, 20], [10, 20], [10, 40], [0, 40], [0, 20]]", kSquare))).size() == 1);
  // Edges that cross by less than half a pixel.
  CHECK(polygons_in(polygon("[[0, 0], [100, 0], [100, 50], [50, -0.3], [0, 50], [0, 0]]")).size() == 1);
}

TEST_CASE("geojson with damaged bytes gives polygons or an Error") {
  const std::string whole = fmt::format(
      R"({{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {{"name": "a",
      "classification": {{"name": "T"}}}}, "geometry": {0}}}, {{"type": "Feature", "geometry": {{"type": "MultiPolygon",
      "coordinates": [[{1}], [{1}, [[1, 1], [5, 1], [5, 5], [1, 1]]]]}}}}]}})",
      polygon(kSquare), kSquare);
  const TemporaryFolder folder;
  const auto file = folder / "damaged.geojson";
  constexpr std::string_view kBytes = "[]{},:\"0123456789.eE-+ \\nulltrue\x80\xff";
  std::uint32_t state = 1;
  const auto random = [&](std::size_t below) {
    state = state * 1664525u + 1013904223u;
    return static_cast<std::size_t>(state >> 8) % below;
  };
  int read = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = whole;
    for (std::size_t changes = 1 + random(3); changes > 0; --changes) {
      const std::size_t place = random(text.size());
      switch (random(3)) {
        case 0:
          text[place] = kBytes[random(kBytes.size())];
          break;
        case 1:
          text.erase(place, 1 + random(8));
          break;
        default:
          text.insert(place, text.substr(random(text.size()), 1 + random(20)));
      }
    }
    write_text(file, text);
    try {
      for (const io::DrawnPolygon& one : io::read_polygons(file)) REQUIRE(one.rings.front().size() >= 3);
      ++read;
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::Corrupt);
    }
  }
  CHECK(read > 100);  // names and coordinates may change and be sound
}

}  // namespace
}  // namespace hipt::test
