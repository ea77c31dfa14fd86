// The trainable ViT-4096 and ViT-256 against the published models' numbers (oracle folders vit4k and vit256).

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/train/tensor_torch.h"
#include "hipt/train/thread.h"
#include "hipt/train/vit_torch.h"
#include "hipt/vit/weights.h"

#include "test/support/oracle_picture.h"
#include "test/support/support.h"

using namespace hipt;

namespace {

void load_formula(train::ParameterSet& set) {
  io::StateDict state;
  for (const auto& [name, shape] : set.shapes()) {
    state.tensors.emplace(name, std::make_shared<const Array>(formula_weight(test::kSalt, name, shape)));
  }
  set.load(state);
}

void check_case(const std::string& id, const at::Tensor& actual) {
  const nlohmann::json oracle_case = test::golden_case(id);
  const Array expected = test::golden_array(oracle_case.at("file").get<std::string>());
  test::check_close(id, train::to_array(actual).as<float>(), expected.as<float>(), oracle_case.at("tol_abs"));
}

}  // namespace

TEST_CASE("trainable ViT-4096: vit4k/cls_gridBxRxC") {
  train::prepare_training_thread();
  train::ParameterSet set(1);
  const vit::ViTConfig config = vit::named_config("vit4k_xs");
  const train::VisionTransformer model(set, "", config);
  CHECK(set.shapes() == vit::parameter_shapes(config));
  load_formula(set);
  const struct {
    std::string name;
    std::int64_t batch, rows, cols;
  } grids[] = {
      {"grid1x16x16", 1, 16, 16}, {"grid1x9x13", 1, 9, 13}, {"grid1x1x1", 1, 1, 1}, {"grid2x14x14", 2, 14, 14}};
  for (const auto& grid : grids) {
    const at::Tensor features =
        train::to_tensor(formula_uniform(test::kSalt, grid.name, {grid.batch, 384, grid.rows, grid.cols}, 0.0, 1.0));
    check_case("vit4k/cls_" + grid.name, model.encode_grids(features.flatten(2).transpose(1, 2), grid.rows, grid.cols));
  }
}
