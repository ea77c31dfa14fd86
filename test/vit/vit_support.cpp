#include "test/vit/vit_support.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>
#include <utility>

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

std::string_view to_string(EngineKind kind) {
  return kind == EngineKind::Cpu ? "cpu" : "reference";
}

std::unique_ptr<vit::Engine> make_engine(EngineKind kind, std::shared_ptr<const vit::Weights> weights) {
  return kind == EngineKind::Cpu ? vit::make_cpu_engine(std::move(weights))
                                 : vit::make_reference_engine(std::move(weights));
}

const vit::Engine& oracle_engine(EngineKind kind, std::string_view model) {
  static std::map<std::pair<EngineKind, std::string>, std::unique_ptr<vit::Engine>> made;
  std::unique_ptr<vit::Engine>& engine = made[{kind, std::string(model)}];
  if (!engine) engine = make_engine(kind, vit::formula_weights(vit::named_config(model), kSalt));
  return *engine;
}

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

FeatureGrids oracle_grids(const std::string& name) {
  long batch = 0, rows = 0, cols = 0;
  REQUIRE(std::sscanf(name.c_str(), "grid%ldx%ldx%ld", &batch, &rows, &cols) == 3);
  constexpr std::int64_t kDim = 384;
  const std::int64_t cells = rows * cols;
  const Array features = formula_uniform(kSalt, name, {batch, kDim, rows, cols}, 0.0, 1.0);
  FeatureGrids result{rows, cols, {}};
  for (std::int64_t b = 0; b < batch; ++b) {
    Array grid = Array::of<float>({cells, kDim});
    const float* from = features.as<float>().data() + b * kDim * cells;
    float* to = grid.as_mutable<float>().data();
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      for (std::int64_t d = 0; d < kDim; ++d) to[cell * kDim + d] = from[d * cells + cell];
    }
    result.grids.push_back(std::move(grid));
  }
  return result;
}

void check_case(EngineKind kind, const std::string& id, std::span<const float> actual) {
  const nlohmann::json oracle_case = golden_case(id);
  const Array expected = golden_array(oracle_case.at("file").get<std::string>());
  check_close(fmt::format("{}: {}", to_string(kind), id), actual, expected.as<float>(),
              oracle_case.at("tol_abs").get<double>());
}

void check_class_token(EngineKind kind, const std::string& name, RgbView picture) {
  const vit::Engine& engine = oracle_engine(kind, "vit_small");
  std::vector<float> token(static_cast<std::size_t>(engine.config().dim));
  engine.encode({&picture, 1}, token);
  check_case(kind, "vit256/cls_" + name, token);
}

vit::ViTConfig tiny_config(vit::TokenSource source) {
  vit::ViTConfig config;
  config.name = "tiny";
  config.source = source;
  config.token_px = 4;
  config.input_dim = source == vit::TokenSource::Pixels ? 3 : 20;
  config.dim = 24;
  config.depth = 3;
  config.heads = 3;
  config.mlp_dim = 52;
  config.trained_grid = 5;
  return config;
}

}  // namespace hipt::test
