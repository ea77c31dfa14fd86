// ViT-256 against the published model's numbers (oracle folder vit256).

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using test::EngineKind;

namespace {

const std::vector<std::string> kCrops = {"crop_960_960",   "crop_1000_1500", "crop_37_411",
                                         "crop_1501_2203", "crop_640_2048",  "crop_1964_2711"};

void check_picture(EngineKind kind, const std::string& name) {
  if (const auto picture = test::oracle_picture("vit256", name)) test::check_class_token(kind, name, picture->view());
}

// Attention of the class token: row 0 of every head.
std::vector<float> class_rows(const Array& attention) {
  const std::int64_t tokens = attention.dim(1);
  std::vector<float> rows;
  for (std::int64_t head = 0; head < attention.dim(0); ++head) {
    const float* row = attention.as<float>().data() + head * tokens * tokens;
    rows.insert(rows.end(), row, row + tokens);
  }
  return rows;
}

void check_all_outputs(EngineKind kind) {
  const auto picture = test::oracle_picture("vit256", "png256");
  if (!picture) return;
  const vit::Outputs outputs = test::oracle_engine(kind, "vit_small")
                                   .run(picture->view(), {.tokens = true, .attention = true, .last_blocks = 4});
  test::check_case(kind, "vit256/cls_png256", outputs.class_token.as<float>());
  test::check_case(kind, "vit256/tokens_png256", outputs.tokens.as<float>());
  test::check_case(kind, "vit256/attn_cls_png256", class_rows(outputs.attention));

  const std::int64_t tokens = outputs.attention.dim(1);
  std::vector<float> rows;  // of head 2
  const nlohmann::json rows_case = test::golden_case("vit256/attn_rows_png256");
  for (const std::int64_t query : rows_case.at("params").at("rows")) {
    const float* row = outputs.attention.as<float>().data() + (2 * tokens + query) * tokens;
    rows.insert(rows.end(), row, row + tokens);
  }
  test::check_case(kind, "vit256/attn_rows_png256", rows);

  REQUIRE(outputs.blocks.size() == 4);
  const nlohmann::json blocks_case = test::golden_case("vit256/inter4_png256");
  std::vector<float> chosen;  // [block, token, dim]
  for (const Array& block : outputs.blocks) {
    for (const std::int64_t token : blocks_case.at("params").at("tokens")) {
      const float* row = block.as<float>().data() + token * block.dim(1);
      chosen.insert(chosen.end(), row, row + block.dim(1));
    }
  }
  test::check_case(kind, "vit256/inter4_png256", chosen);
}

void check_attention_of_wide_picture(EngineKind kind) {
  const auto picture = test::oracle_picture("vit256", "formula_256x384");
  const vit::Outputs outputs = test::oracle_engine(kind, "vit_small").run(picture->view(), {.attention = true});
  CHECK(outputs.tokens.empty());
  test::check_case(kind, "vit256/cls_formula_256x384", outputs.class_token.as<float>());
  test::check_case(kind, "vit256/attn_cls_formula_256x384", class_rows(outputs.attention));
}

}  // namespace

TEST_CASE("cpu: class tokens of formula pictures: vit256/cls_formula_HxW") {
  for (const char* name : {"formula_224x224", "formula_256x384", "formula_512x512"})
    check_picture(EngineKind::Cpu, name);
}

TEST_CASE("cpu: attention of a wide picture: vit256/attn_cls_formula_256x384") {
  check_attention_of_wide_picture(EngineKind::Cpu);
}

TEST_CASE("cpu: class tokens of the slide's patches: vit256/cls_crop_X_Y") {
  for (const std::string& name : kCrops) check_picture(EngineKind::Cpu, name);
}

TEST_CASE("cpu: every output for the published example picture: vit256/X_png256") {
  check_all_outputs(EngineKind::Cpu);
}

TEST_CASE("reference: class token of a formula picture: vit256/cls_formula_224x224") {
  check_picture(EngineKind::Reference, "formula_224x224");
}

TEST_SUITE("slow") {
  TEST_CASE("reference: every output for the published example picture: vit256/X_png256") {
    check_all_outputs(EngineKind::Reference);
  }

  TEST_CASE("reference: attention of a wide picture: vit256/attn_cls_formula_256x384") {
    check_attention_of_wide_picture(EngineKind::Reference);
  }

  TEST_CASE("reference: class token of a large formula picture: vit256/cls_formula_512x512") {
    check_picture(EngineKind::Reference, "formula_512x512");
  }

  TEST_CASE("reference: class tokens of the slide's patches: vit256/cls_crop_X_Y") {
    for (const std::string& name : kCrops) check_picture(EngineKind::Reference, name);
  }
}
