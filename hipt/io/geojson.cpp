#include "hipt/io/geojson.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"

namespace hipt::io {
namespace {

constexpr std::size_t kMinRingPositions = 4;  // RFC 7946, 3.1.6: with the first point repeated at the end

nlohmann::ordered_json closed_ring(const std::vector<Level0Point>& points) {
  auto ring = nlohmann::ordered_json::array();
  for (const Level0Point& point : points) ring.push_back({point.x, point.y});
  do {
    ring.push_back({points.front().x, points.front().y});
  } while (ring.size() < kMinRingPositions);
  return ring;
}

nlohmann::ordered_json feature_of(const GeoPolygon& polygon) {
  auto rings = nlohmann::ordered_json::array({closed_ring(polygon.outline)});
  for (const std::vector<Level0Point>& hole : polygon.holes) {
    if (!hole.empty()) rings.push_back(closed_ring(hole));
  }
  return {{"type", "Feature"},
          {"properties", {{"tissue_id", polygon.tissue_id}, {"objectType", "annotation"}}},
          {"geometry", {{"type", "Polygon"}, {"coordinates", std::move(rings)}}}};
}

}  // namespace

void write_polygons(const std::filesystem::path& path, std::span<const GeoPolygon> polygons) {
  const nlohmann::ordered_json plane{{"type", "name"}, {"properties", {{"name", "urn:ogc:def:crs:EPSG::3857"}}}};
  std::string text = fmt::format("{{\"type\":\"FeatureCollection\",\"crs\":{},\"features\":[", plane.dump());
  for (const GeoPolygon& polygon : polygons) {
    if (polygon.outline.empty()) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{}: tissue {} has an outline without points", path.string(), polygon.tissue_id));
    }
    text += text.back() == '[' ? "\n" : ",\n";
    text += feature_of(polygon).dump();
  }
  text += "\n]}\n";
  write_text_file(path, text);
}

}  // namespace hipt::io
