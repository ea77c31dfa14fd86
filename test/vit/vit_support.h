#pragma once
// What the ViT tests share: the oracle's pictures, grids and engines.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/vit/engine.h"

#include "test/support/oracle_picture.h"

namespace hipt::test {

enum class EngineKind { Reference, Cpu };
inline constexpr EngineKind kBothEngines[] = {EngineKind::Reference, EngineKind::Cpu};
std::string_view to_string(EngineKind kind);

std::unique_ptr<vit::Engine> make_engine(EngineKind kind, std::shared_ptr<const vit::Weights> weights);
// "vit_small" or "vit4k_xs" with the oracle's weights, made once.
const vit::Engine& oracle_engine(EngineKind kind, std::string_view model);

// Formula features "grid1x9x13" [batch, 384, rows, cols], one [rows * cols, 384] a batch element.
struct FeatureGrids {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<Array> grids;
};
FeatureGrids oracle_grids(const std::string& name);

// check_close against the golden array of the case `id`, within its tol_abs; "cpu: vit256/cls_png256" is printed.
void check_case(EngineKind kind, const std::string& id, std::span<const float> actual);

// Class token of a picture against "vit256/cls_<name>".
void check_class_token(EngineKind kind, const std::string& name, RgbView picture);

// A ViT small enough for loops over options.
vit::ViTConfig tiny_config(vit::TokenSource source);

}  // namespace hipt::test
