#include "hipt/io/geojson_measurements.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

void append_geometry(std::string& text, Level0Point corner, std::int64_t side) {
  const auto [x, y] = corner;
  if (side == 0) {
    fmt::format_to(std::back_inserter(text), R"("geometry":{{"type":"Point","coordinates":[{},{}]}})", x, y);
    return;
  }
  fmt::format_to(
      std::back_inserter(text),
      R"("geometry":{{"type":"Polygon","coordinates":[[[{0},{1}],[{2},{1}],[{2},{3}],[{0},{3}],[{0},{1}]]]}})", x, y,
      x + side, y + side);
}

}  // namespace

std::string measurements_text(std::span<const Level0Point> corners, std::int64_t side,
                              std::span<const std::string> names, const Array& values, const std::string& fingerprint) {
  const Shape expected{std::ssize(corners), std::ssize(names)};
  if (values.shape() != expected) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("measurements are {}, expected {}", to_string(values.shape()), to_string(expected)));
  }
  const std::span<const float> numbers = values.as<float>();
  std::vector<std::string> keys;
  for (const std::string& name : names) keys.push_back(nlohmann::json(name).dump());
  std::string text = fmt::format(
      R"({{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::3857"}}}},)"
      R"("hipt_fingerprint":{},"features":[)",
      fingerprint);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    text += R"({"type":"Feature","properties":{"objectType":"detection","measurements":{)";
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const float value = numbers[i * keys.size() + k];
      if (!std::isfinite(value)) {
        throw Error(ErrorCode::InvalidArgument, fmt::format("place {}: {} is not finite", i, names[k]));
      }
      fmt::format_to(std::back_inserter(text), "{}{}:{}", k == 0 ? "" : ",", keys[k], value);
    }
    text += "}},";
    append_geometry(text, corners[i], side);
    text += '}';
  }
  return text + "\n]}\n";
}

}  // namespace hipt::io
