#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/geojson.h"
#include "hipt/io/ring_crossing.h"

namespace hipt::io {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr double kMostCoordinate = 536'870'912;  // 2^29 px: sums of two stay within OpenCV's int
constexpr std::size_t kMinPositions = 4;         // RFC 7946, 3.1.6
constexpr int kMostNesting = 32;                 // of GeometryCollections

[[noreturn]] void corrupt(const std::string& reason) {
  throw Error(ErrorCode::Corrupt, reason);
}

// A member of an object, or null.
const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

DrawnPoint position(const Json& pair) {
  if (!pair.is_array() || pair.size() < 2 || !pair[0].is_number() || !pair[1].is_number()) {
    corrupt("a position is not a pair of numbers");
  }
  const DrawnPoint point{pair[0].get<double>(), pair[1].get<double>()};
  if (!(std::abs(point.x) <= kMostCoordinate && std::abs(point.y) <= kMostCoordinate)) {
    corrupt(fmt::format("({}, {}) lies beyond 2^29 pixels", point.x, point.y));
  }
  return point;
}

double doubled_area(const DrawnRing& ring) {
  double sum = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const DrawnPoint& next = ring[(i + 1) % ring.size()];
    // From the first point: the products stay small where coordinates are large.
    sum += (ring[i].x - ring[0].x) * (next.y - ring[0].y) - (next.x - ring[0].x) * (ring[i].y - ring[0].y);
  }
  return sum;
}

DrawnRing closed_ring(const Json& positions) {
  if (!positions.is_array() || positions.empty()) corrupt("is empty");
  DrawnRing ring;
  ring.reserve(positions.size());
  for (const Json& pair : positions) ring.push_back(position(pair));
  if (ring.front().x != ring.back().x || ring.front().y != ring.back().y) {
    corrupt(fmt::format("is open: it begins at ({}, {}) and ends at ({}, {})", ring.front().x, ring.front().y,
                        ring.back().x, ring.back().y));
  }
  if (ring.size() < kMinPositions) corrupt(fmt::format("has {} positions, a ring has at least 4", ring.size()));
  ring.pop_back();
  if (doubled_area(ring) == 0) corrupt("encloses no area");
  return ring;
}

class Reader {
 public:
  std::vector<DrawnPolygon> read(const Json& root) {
    const Json& features = root.is_array() ? root : member(root, "features");
    if (features.is_array()) {
      for (const Json& feature : features) read_feature(feature);
    } else if (text_of(member(root, "type")) == "FeatureCollection") {
      corrupt("a FeatureCollection without features");
    } else {
      read_feature(root);
    }
    return std::move(polygons_);
  }

 private:
  // A Feature, or a geometry that stands for one.
  void read_feature(const Json& feature) {
    const std::string id = text_of(member(feature, "id")).substr(0, 64);
    const std::string place = fmt::format("feature {}{}", feature_, id.empty() ? "" : fmt::format(" (id {})", id));
    with_context(place, [&] {
      if (!feature.is_object()) corrupt("is no object");
      if (text_of(member(feature, "type")) != "Feature") return read_geometry(feature, 0);
      const Json& properties = member(feature, "properties");
      classification_ = text_of(member(member(properties, "classification"), "name"));
      name_ = text_of(member(properties, "name"));
      const Json& geometry = member(feature, "geometry");
      if (!geometry.is_null()) read_geometry(geometry, 0);
    });
    ++feature_;
  }

  void read_geometry(const Json& geometry, int depth) {
    const std::string type = text_of(member(geometry, "type"));
    if (type.empty()) corrupt("a geometry without type");
    const Json& coordinates = member(geometry, "coordinates");
    if (type == "Polygon") return read_polygon(coordinates);
    if (type == "MultiPolygon") {
      if (!coordinates.is_array() || coordinates.empty()) corrupt("a MultiPolygon without polygons");
      for (const Json& rings : coordinates) read_polygon(rings);
    } else if (type == "GeometryCollection") {
      if (depth == kMostNesting) corrupt("GeometryCollections in each other without end");
      for (const Json& inner : member(geometry, "geometries")) read_geometry(inner, depth + 1);
    }
  }

  void read_polygon(const Json& rings) {
    if (!rings.is_array() || rings.empty()) corrupt("a Polygon without rings");
    DrawnPolygon polygon;
    for (const Json& ring : rings) {
      with_context(fmt::format("ring {}", polygon.rings.size()), [&] { polygon.rings.push_back(closed_ring(ring)); });
    }
    if (const auto place = crossing_of(polygon.rings)) {
      corrupt(fmt::format("the polygon's edges cross at ({:.1f}, {:.1f}); repair it in QuPath or another editor",
                          place->x, place->y));
    }
    polygon.feature = feature_;
    polygon.classification = classification_;
    polygon.name = name_;
    polygons_.push_back(std::move(polygon));
  }

  std::int64_t feature_ = 0;
  std::string classification_;
  std::string name_;
  std::vector<DrawnPolygon> polygons_;
};

Json parse(std::span<const std::byte> bytes) {
  if (bytes.size() > kMostBytes) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{} bytes of GeoJSON; at most {} are read", bytes.size(), kMostBytes));
  }
  const auto* const first = reinterpret_cast<const char*>(bytes.data());
  try {
    return Json::parse(first, first + bytes.size());
  } catch (const Json::exception& error) {
    corrupt(fmt::format("no GeoJSON: {}", error.what()));
  }
}

}  // namespace

std::vector<DrawnPolygon> read_polygons(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return with_context(path.string(), [&] { return Reader().read(parse(file->bytes())); });
}

}  // namespace hipt::io
