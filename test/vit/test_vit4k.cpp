// ViT-4096 against the published model's numbers (oracle folder vit4k), both engines.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using test::EngineKind;

TEST_CASE("class tokens and attention of feature grids: vit4k/cls_gridBxRxC and attn_cls_gridBxRxC") {
  for (const EngineKind kind : test::kBothEngines) {
    const vit::Engine& engine = test::oracle_engine(kind, "vit4k_xs");
    for (const std::string name : {"grid1x16x16", "grid1x9x13", "grid1x1x1", "grid2x14x14", "grid1x3x4"}) {
      const test::FeatureGrids input = test::oracle_grids(name);
      std::vector<float> class_tokens, class_tokens_of_run, attention;
      for (const Array& grid : input.grids) {
        std::vector<float> token(192);
        engine.encode_grid(grid.as<float>(), input.rows, input.cols, token);
        class_tokens.insert(class_tokens.end(), token.begin(), token.end());
        const vit::Outputs outputs = engine.run_grid(grid.as<float>(), input.rows, input.cols, {.attention = true});
        const std::span<const float> run_token = outputs.class_token.as<float>();
        class_tokens_of_run.insert(class_tokens_of_run.end(), run_token.begin(), run_token.end());
        const std::int64_t tokens = outputs.attention.dim(1);
        for (std::int64_t head = 0; head < outputs.attention.dim(0); ++head) {
          const float* row = outputs.attention.as<float>().data() + head * tokens * tokens;
          attention.insert(attention.end(), row, row + tokens);
        }
      }
      test::check_case(kind, "vit4k/cls_" + name, class_tokens);
      test::check_case(kind, "vit4k/cls_" + name, class_tokens_of_run);
      test::check_case(kind, "vit4k/attn_cls_" + name, attention);
    }
  }
}

TEST_CASE("all tokens and the whole attention of a head: vit4k/tokens_grid1x9x13 and attn_full_grid1x9x13") {
  for (const EngineKind kind : test::kBothEngines) {
    const test::FeatureGrids input = test::oracle_grids("grid1x9x13");
    const vit::Outputs outputs =
        test::oracle_engine(kind, "vit4k_xs")
            .run_grid(input.grids.front().as<float>(), input.rows, input.cols, {.tokens = true, .attention = true});
    test::check_case(kind, "vit4k/tokens_grid1x9x13", outputs.tokens.as<float>());
    const std::size_t per_head = 118 * 118;
    test::check_case(kind, "vit4k/attn_full_grid1x9x13", outputs.attention.as<float>().subspan(per_head, per_head));
  }
}
