#include "test/support/oracle_picture.h"

#include <algorithm>
#include <cstdio>
#include <span>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/image/png.h"
#include "hipt/slide/slide.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

image::RgbImage formula_picture(const std::string& name) {
  int height = 0, width = 0;
  REQUIRE(std::sscanf(name.c_str(), "formula_%dx%d", &height, &width) == 2);
  const std::vector<std::uint8_t> bytes = formula_image(kSalt, fmt::format("img{}x{}", height, width), height, width);
  image::RgbImage picture(width, height);
  std::ranges::copy(bytes, picture.data());
  return picture;
}

// The index in an axis of `size` that `k` falls on when the axis is mirrored without end, edges repeated.
std::int64_t mirrored(std::int64_t k, std::int64_t size) {
  k %= 2 * size;
  return k < size ? k : 2 * size - 1 - k;
}

image::RgbImage mirror_tile(const image::RgbImage& from, int width, int height) {
  image::RgbImage result(width, height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = from.view().row(static_cast<int>(mirrored(y, from.height())));
    for (int x = 0; x < width; ++x) std::copy_n(row + 3 * mirrored(x, from.width()), 3, result.row(y) + 3 * x);
  }
  return result;
}

std::optional<image::RgbImage> unchecked_picture(const std::string& name, const std::string& how) {
  if (name.starts_with("formula_")) return formula_picture(name);
  if (name == "png256") {
    const auto file = shared_data("hipt-published/image_256.png");
    if (!file) return std::nullopt;
    return image::read_png(*file);
  }
  const auto file = demo_slide();
  if (!file) return std::nullopt;
  const auto slide = slide::open_slide(*file);
  if (name == "r4096x4096_mirror") return mirror_tile(slide->read_region({0, 0}, 0, slide->size()), 4096, 4096);
  // "slide ... level 0 x 960 y 960 256 x 256" or "slide level 0 x 300 y 500 width 1024 height 768"
  const std::string place = how.substr(how.find(" x ") + 1);
  long x = 0, y = 0, width = 0, height = 0;
  REQUIRE((std::sscanf(place.c_str(), "x %ld y %ld width %ld height %ld", &x, &y, &width, &height) == 4 ||
           std::sscanf(place.c_str(), "x %ld y %ld %ld x %ld", &x, &y, &width, &height) == 4));
  return slide->read_region({x, y}, 0, {width, height});
}

}  // namespace

std::optional<image::RgbImage> oracle_picture(std::string_view folder, const std::string& name) {
  const auto all = nlohmann::json::parse(read_text(golden(fmt::format("{}/pixels.json", folder))));
  const nlohmann::json& entry = all.at(name);
  std::optional<image::RgbImage> picture = unchecked_picture(name, entry.at("how").get<std::string>());
  if (!picture) {
    skip(fmt::format("{}/{}: its pixels are not on this machine ({})", folder, name,
                     entry.at("how").get<std::string>()));
    return std::nullopt;
  }
  const std::span<const std::uint8_t> bytes(picture->data(), picture->byte_size());
  REQUIRE_MESSAGE(sha256_hex(std::as_bytes(bytes)) == entry.at("sha256").get<std::string>(),
                  fmt::format("{}/{}: other pixels than the oracle's", folder, name));
  return picture;
}

}  // namespace hipt::test
