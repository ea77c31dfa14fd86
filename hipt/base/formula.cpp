#include "hipt/base/formula.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt {

std::uint64_t fnv1a64(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char character : text) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 0x100000001b3u;
  }
  return hash;
}

FormulaWords::FormulaWords(std::string_view salt, std::string_view name)
    : seed_(fnv1a64(fmt::format("{}:{}", salt, name))) {}

std::uint64_t FormulaWords::operator[](std::uint64_t index) const {
  std::uint64_t z = seed_ + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Array formula_uniform(std::string_view salt, std::string_view name, Shape shape, double center, double scale) {
  Array result(DType::Float32, std::move(shape));
  const FormulaWords words(salt, name);
  const std::span<float> values = result.as_mutable<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = static_cast<double>(words[i] >> 40) / 16777216.0;
    values[i] = static_cast<float>(center + scale * (2.0 * u - 1.0));
  }
  return result;
}

Array formula_weight(std::string_view salt, std::string_view name, const Shape& shape) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  double center = 0.0;
  double scale = 0.0;
  if (last == "weight_g") {
    center = 1.0;
  } else if (last == "running_var") {
    center = 1.0, scale = 0.1;
  } else if (last == "cls_token") {
    scale = 0.05;
  } else if (last == "pos_embed") {
    scale = 0.2;
  } else if (shape.size() == 1) {
    if (last == "weight") {
      center = 1.0, scale = 0.1;
    } else {
      scale = 0.05;
    }
  } else if (!shape.empty() && element_count(shape) > 0) {
    scale = std::sqrt(3.0 / (static_cast<double>(element_count(shape)) / static_cast<double>(shape[0])));
  } else {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: the weight formula has no rule for shape {}", name, to_string(shape)));
  }
  return formula_uniform(salt, name, shape, center, scale);
}

std::vector<std::uint8_t> formula_image(std::string_view salt, std::string_view name, int height, int width) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  const FormulaWords words(salt, name);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(words[i] >> 56);
  return bytes;
}

}  // namespace hipt
