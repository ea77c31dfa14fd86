#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "hipt/io/geojson.h"

#include "test/support/support.h"

using namespace hipt;

TEST_CASE("geojson polygons have closed rings and holes and tissue ids") {
  const test::TemporaryFolder folder;
  const std::vector<io::GeoPolygon> polygons{
      {{{0, 0}, {100, 0}, {100, 80}, {-5, 80}}, {{{10, 10}, {20, 10}, {20, 20}}, {}}, 0},
      {{{7, 7}}, {}, 1},  // a speck is still a ring of four positions
  };
  io::write_polygons(folder / "c.geojson", polygons);
  const auto json = nlohmann::json::parse(test::read_text(folder / "c.geojson"));
  CHECK(json.at("type") == "FeatureCollection");
  CHECK(json.at("crs").at("properties").at("name") == "urn:ogc:def:crs:EPSG::3857");
  REQUIRE(json.at("features").size() == 2);
  const auto& first = json.at("features")[0];
  CHECK(first.at("type") == "Feature");
  CHECK(first.at("properties").at("tissue_id") == 0);
  CHECK(first.at("geometry").at("type") == "Polygon");
  CHECK(first.at("geometry").at("coordinates") ==
        nlohmann::json::parse("[[[0,0],[100,0],[100,80],[-5,80],[0,0]],[[10,10],[20,10],[20,20],[10,10]]]"));
  CHECK(json.at("features")[1].at("geometry").at("coordinates") ==
        nlohmann::json::parse("[[[7,7],[7,7],[7,7],[7,7]]]"));
}

TEST_CASE("geojson of no polygons is an empty collection") {
  const test::TemporaryFolder folder;
  io::write_polygons(folder / "c.geojson", {});
  CHECK(nlohmann::json::parse(test::read_text(folder / "c.geojson")).at("features").empty());
  const std::vector<io::GeoPolygon> empty(1);
  CHECK(test::error_of([&] { io::write_polygons(folder / "c.geojson", empty); }) == ErrorCode::InvalidArgument);
}
