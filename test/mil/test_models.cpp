// Every model against the published code's numbers (oracle folders mil and mil_survival).

#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/mil/training_step.h"
#include "hipt/vit/weights.h"

#include "test/mil/mil_support.h"
#include "test/support/support.h"

using namespace hipt;
using mil::LossKind;
using mil::ModelOptions;
using mil::ModelType;

namespace {

// softmax of each row of [N, C].
Array row_softmax(const Array& logits) {
  Array result = logits.clone();
  const std::span<float> values = result.as_mutable<float>();
  const auto width = static_cast<std::size_t>(logits.dim(1));
  for (std::size_t row = 0; row < values.size(); row += width) {
    double sum = 0.0;
    for (std::size_t c = 0; c < width; ++c) sum += std::exp(double{values[row + c]});
    for (std::size_t c = 0; c < width; ++c) {
      values[row + c] = static_cast<float>(std::exp(double{values[row + c]}) / sum);
    }
  }
  return result;
}

void check_logits_and_probabilities(const std::string& name, const mil::ModelOutput& output) {
  test::check_mil_case("mil/" + name + "_logits", output.logits);
  test::check_mil_case("mil/" + name + "_prob", output.probabilities);
}

constexpr std::int64_t kBagSizes[] = {1, 37};
constexpr std::int64_t kRegionCounts[] = {1, 5};

mil::Bag patches(std::int64_t count, std::int64_t dim) {
  return test::oracle_bag(fmt::format("bag{}_{}", dim, count), {count, dim});
}

}  // namespace

TEST_CASE("mil of two classes: mil/mil_fc") {
  const mil::Model model = test::oracle_model({.type = ModelType::Mil});
  CHECK(model.parameter_count() == 148610);
  for (const std::int64_t n : kBagSizes) {
    const mil::ModelOutput output = model.predict(patches(n, 384));
    check_logits_and_probabilities(fmt::format("mil_fc_n{}", n), output);
    test::check_mil_case(fmt::format("mil/mil_fc_n{}_instance_prob", n), row_softmax(output.instance_logits));
  }
}

TEST_CASE("mil of three classes: mil/mil_fc_mc") {
  const mil::Model model = test::oracle_model({.type = ModelType::Mil, .classes = 3});
  for (const std::int64_t n : kBagSizes) {
    const mil::ModelOutput output = model.predict(patches(n, 384));
    check_logits_and_probabilities(fmt::format("mil_fc_mc_n{}", n), output);
    test::check_mil_case(fmt::format("mil/mil_fc_mc_n{}_instance_prob", n), row_softmax(output.instance_logits));
  }
}

TEST_CASE("clam: mil/clam_sb_384 and clam_sb_1024_big and clam_mb_1024") {
  const struct {
    std::string name;
    ModelOptions options;
  } cases[] = {
      {"clam_sb_384", {.type = ModelType::ClamSb}},
      {"clam_sb_1024_big", {.type = ModelType::ClamSb, .size = mil::ModelSize::Big, .classes = 3, .input_dim = 1024}},
      {"clam_mb_1024", {.type = ModelType::ClamMb, .classes = 3, .input_dim = 1024}}};
  for (const auto& one : cases) {
    const mil::Model model = test::oracle_model(one.options);
    for (const std::int64_t n : kBagSizes) {
      const mil::ModelOutput output = model.predict(patches(n, one.options.input_dim));
      check_logits_and_probabilities(fmt::format("{}_n{}", one.name, n), output);
      test::check_mil_case(fmt::format("mil/{}_n{}_attention_raw", one.name, n), output.attention_scores);
    }
  }
}

TEST_CASE("dsmil: mil/dsmil") {
  const mil::Model model = test::oracle_model({.type = ModelType::Dsmil, .classes = 3});
  for (const std::int64_t n : kBagSizes) {
    const mil::ModelOutput output = model.predict(patches(n, 384));
    check_logits_and_probabilities(fmt::format("dsmil_n{}", n), output);
    test::check_mil_case(fmt::format("mil/dsmil_n{}_instance_logits", n), output.instance_logits);
    test::check_mil_case(fmt::format("mil/dsmil_n{}_attention", n), output.attention);
  }
}

TEST_CASE("mi_fcn with empty clusters: mil/mi_fcn_384") {
  const mil::Model model = test::oracle_model({.type = ModelType::MiFcn, .classes = 3});
  CHECK(model.parameter_count() == 3401348);
  for (const std::int64_t n : kBagSizes) {
    mil::Bag bag = patches(n, 384);
    bag.clusters = test::oracle_integers(fmt::format("clusters{}", n), n, 7);
    check_logits_and_probabilities(fmt::format("mi_fcn_384_n{}", n), model.predict(bag));
  }
}

TEST_CASE("dgcn with loops and double edges: mil/dgcn_384") {
  const mil::Model model = test::oracle_model({.type = ModelType::Dgcn, .classes = 3});
  CHECK(model.parameter_count() == 625924);
  for (const std::int64_t n : kBagSizes) {
    mil::Bag bag = patches(n, 384);
    const auto sources = test::oracle_integers(fmt::format("edge_src{}", n), 4 * n, n);
    const auto targets = test::oracle_integers(fmt::format("edge_dst{}", n), 4 * n, n);
    for (std::size_t i = 0; i < sources.size(); ++i) bag.edges.push_back({sources[i], targets[i]});
    check_logits_and_probabilities(fmt::format("dgcn_384_n{}", n), model.predict(bag));
  }
}

TEST_CASE("amil and deepset: mil_survival hazards") {
  for (const auto& [type, name, count] :
       {std::tuple{ModelType::Amil, "amil", 920069}, {ModelType::DeepSet, "deepset", 657156}}) {
    const mil::Model model = test::oracle_model({.type = type, .classes = 4, .input_dim = 1024});
    CHECK(model.parameter_count() == count);
    for (const std::int64_t n : kBagSizes) {
      Array hazards = model.predict(patches(n, 1024)).logits.clone();
      for (float& value : hazards.as_mutable<float>())
        value = static_cast<float>(1.0 / (1.0 + std::exp(-double{value})));
      test::check_mil_case(fmt::format("mil_survival/{}_n{}_hazards", name, n), hazards);
    }
  }
}

TEST_CASE("hipt_n: mil/hipt_n") {
  const mil::Model model = test::oracle_model({.type = ModelType::HiptN});
  CHECK(model.parameter_count() == 494340);
  for (const std::int64_t m : kRegionCounts) {
    const mil::Bag bag = test::oracle_bag(fmt::format("regions{}", m), {m, 256, 384});
    check_logits_and_probabilities(fmt::format("hipt_n_m{}", m), model.predict(bag));
  }
}

TEST_CASE("hipt_gp: mil/hipt_gp") {
  const mil::Model model = test::oracle_model({.type = ModelType::HiptGp, .classes = 3});
  CHECK(model.parameter_count() == 595204);
  for (const std::int64_t n : kBagSizes) {
    const mil::Bag bag = test::oracle_bag(fmt::format("vec192_{}", n), {n, 192});
    check_logits_and_probabilities(fmt::format("hipt_gp_n{}", n), model.predict(bag));
  }
}

TEST_CASE("hipt_lgp: mil/hipt_lgp") {
  const mil::Model model = test::oracle_model({.type = ModelType::HiptLgp, .classes = 3});
  for (const std::int64_t m : kRegionCounts) {
    const std::string name = fmt::format("hipt_lgp_m{}", m);
    const mil::ModelOutput output = model.predict(test::oracle_bag(fmt::format("regions{}", m), {m, 256, 384}));
    check_logits_and_probabilities(name, output);
    test::check_mil_case("mil/" + name + "_region_vec", output.region_vectors);
    test::check_mil_case("mil/" + name + "_transformer", output.region_context);
    test::check_mil_case("mil/" + name + "_attention", output.attention);
  }
}

TEST_CASE("hipt_lgp with a pretrained and frozen ViT-4096: mil/hipt_lgp_pretrain") {
  mil::Model model = test::oracle_model({.type = ModelType::HiptLgp, .freeze_4k = true});
  model.load_vit_4k(*vit::formula_weights(vit::named_config("vit4k_xs"), test::kSalt));
  CHECK(model.parameter_count() == 3376515);
  CHECK(model.trainable_count() == 595011);
  for (const std::int64_t m : kRegionCounts) {
    const mil::Bag bag = test::oracle_bag(fmt::format("regions{}", m), {m, 256, 384});
    const std::string id = fmt::format("mil/hipt_lgp_pretrain_m{}_logits", m);
    test::check_mil_case(id, model.predict(bag).logits);
    test::check_mil_case(id, model.predict(model.encode_regions(bag)).logits);
  }
}

TEST_CASE("clam's loss of instances: mil/clam_instance_loss") {
  const auto cases = nlohmann::json::parse(test::read_text(test::golden("mil/clam_instance_loss.json")));
  const double tolerance = test::golden_case("mil/clam_instance_loss").at("tol_abs");
  for (const nlohmann::json& one : cases) {
    const bool is_single = one.at("model") == "clam_sb";
    mil::Model model =
        test::oracle_model({.type = is_single ? ModelType::ClamSb : ModelType::ClamMb,
                            .instance_loss = one.at("loss") == "svm" ? LossKind::SmoothSvm : LossKind::CrossEntropy,
                            .subtyping = one.at("subtyping"),
                            .classes = one.at("classes"),
                            .input_dim = is_single ? 384 : 1024});
    const mil::TrainingStep step(model, {});
    const mil::StepResult result = step.evaluate(patches(37, is_single ? 384 : 1024), one.at("label"));
    CHECK(std::abs(result.instance_loss - one.at("instance_loss_f64").get<double>()) <= tolerance);
    CHECK(result.instance_targets == one.at("targets").get<std::vector<std::int64_t>>());
    CHECK(result.instance_predictions == one.at("predictions").get<std::vector<std::int64_t>>());
  }
}

TEST_CASE("bags that a model cannot take are refused with what it takes") {
  const mil::Model model = test::oracle_model({.type = ModelType::MiFcn});
  std::string message;
  mil::Bag bag = patches(37, 384);
  CHECK(test::error_of([&] { model.predict(bag); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "bag: 0 clusters for 37 patches: mi_fcn needs one for each");
  bag.clusters.assign(37, 10);
  CHECK(test::error_of([&] { model.predict(bag); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "bag: cluster 10: 0 to 9 are possible");

  const mil::Model attention = test::oracle_model({.type = ModelType::ClamSb});
  CHECK(test::error_of([&] { attention.predict(patches(37, 1024)); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "bag: features [37, 1024]: clam_sb takes [instances, 384]");
  CHECK(test::error_of([&] { attention.predict(test::oracle_bag("none", {0, 384})); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message == "bag: has no instances");
  mil::Bag broken = patches(1, 384);
  broken.features.as_mutable<float>()[5] = NAN;
  CHECK(test::error_of([&] { attention.predict(broken); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "bag: features hold NaN or infinite numbers");
}

TEST_CASE("a bag smaller than B gives clam all its instances") {
  mil::Model model = test::oracle_model({.type = ModelType::ClamSb});
  mil::TrainingStep step(model, {});
  CHECK(step.train(patches(1, 384), 1).instance_targets == std::vector<std::int64_t>{1, 0});
  CHECK(test::error_of([&] { step.train(patches(1, 384), 2); }) == ErrorCode::InvalidArgument);
}
