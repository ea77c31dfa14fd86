#include "test/vit/vit_support.h"

#include <cstdio>
#include <map>
#include <span>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"

#include "test/support/support.h"

namespace hipt::test {

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
