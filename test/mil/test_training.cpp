// Twenty steps of the published loops (oracle folder train_subtyping): losses, parameters, outputs after them.

#include <cmath>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/mil/training_step.h"

#include "test/mil/mil_support.h"
#include "test/support/support.h"

using namespace hipt;
using mil::ModelOptions;
using mil::ModelType;

namespace {

constexpr std::size_t kSteps = 20;
constexpr std::int64_t kPatches[] = {16, 40, 23, 64, 17, 30, 51, 19};
constexpr std::int64_t kRegions[] = {1, 2, 3, 2, 1, 4, 2, 3};

std::vector<mil::Bag> oracle_bags(ModelType type) {
  std::vector<mil::Bag> bags;
  for (std::size_t i = 0; i < 8; ++i) {
    bags.push_back(type == ModelType::HiptLgp ? test::oracle_bag(fmt::format("tregions{}", i), {kRegions[i], 256, 384})
                                              : test::oracle_bag(fmt::format("tbag{}", i), {kPatches[i], 384}));
  }
  return bags;
}

// Sums of a parameter or of the part "[q]", "[k]", "[v]" of an attention's bias.
struct Sums {
  double sum = 0.0;
  double squares = 0.0;

  void add(std::span<const float> values) {
    for (const float value : values) {
      sum += double{value};
      squares += double{value} * double{value};
    }
  }
};

std::map<std::string, Sums> sums_of(const mil::Model& model) {
  std::map<std::string, Sums> sums;
  for (const auto& [name, array] : model.state()) {
    if (array.dtype() != DType::Float32) continue;
    const std::span<const float> values = array.as<float>();
    if (!name.ends_with("qkv.bias") && !name.ends_with("in_proj_bias")) {
      sums[name].add(values);
      sums["(all)"].add(values);
      continue;
    }
    const std::size_t third = values.size() / 3;
    for (std::size_t part = 0; part < 3; ++part) {
      const std::span<const float> own = values.subspan(part * third, third);
      sums[fmt::format("{}[{}]", name, "qkv"[part])].add(own);
      if (part != 1) sums["(all)"].add(own);
    }
  }
  return sums;
}

void check_after(const mil::Model& model, const nlohmann::json& expected) {
  const nlohmann::json& tolerances = expected.at("after_tolerance");
  for (const auto& [name, sums] : sums_of(model)) {
    const bool is_all = name == "(all)";
    // The true gradient of a key's bias is 0: Adam steps on rounding noise.
    if (!expected.at("f64_after").contains(name) || name.ends_with("[k]")) continue;
    const nlohmann::json& after = expected.at("f64_after").at(name);
    INFO(name);
    CHECK(std::abs(sums.sum - after.at("sum").get<double>()) <=
          tolerances.at(is_all ? "all_sum" : "sum").at("tol_abs"));
    CHECK(std::abs(std::sqrt(sums.squares) - after.at("l2").get<double>()) <=
          tolerances.at(is_all ? "all_l2" : "l2").at("tol_abs"));
  }
}

void check_trajectory(const std::string& name, const ModelOptions& options) {
  const std::string id = "train_subtyping/" + name;
  const double tolerance = test::golden_case(id).at("tol_abs");
  const nlohmann::json expected = nlohmann::json::parse(test::read_text(test::golden(id + ".json")));
  mil::Model model = test::oracle_model(options);
  const std::vector<mil::Bag> bags = oracle_bags(options.type);
  std::vector<float> losses, terms;
  {
    mil::TrainingStep step(model, {});
    for (std::size_t i = 0; i < kSteps; ++i) {
      const std::size_t bag = i % bags.size();
      const mil::StepResult result = step.train(bags[bag], static_cast<std::int64_t>(bag) % options.classes);
      losses.push_back(static_cast<float>(result.bag_loss));
      for (const double term : result.instance_terms) terms.push_back(static_cast<float>(term));
    }
  }
  test::check_close(id + " bag_loss", losses, expected.at("bag_loss").get<std::vector<float>>(), tolerance);
  test::check_close(id + " instance_terms", terms, expected.at("instance_terms").get<std::vector<float>>(), tolerance);
  std::vector<float> logits, expected_logits;
  for (std::size_t i = 0; i < bags.size(); ++i) {
    const mil::ModelOutput output = model.predict(bags[i]);
    logits.insert(logits.end(), output.logits.as<float>().begin(), output.logits.as<float>().end());
    for (const nlohmann::json& value : expected.at("eval_logits_after")[i]) expected_logits.push_back(value);
  }
  test::check_close(id + " eval_logits_after", logits, expected_logits, tolerance);
  check_after(model, expected);
}

}  // namespace

TEST_CASE("twenty steps: train_subtyping/mil_fc") {
  check_trajectory("mil_fc", {.type = ModelType::Mil, .dropout = 0.0});
}

TEST_CASE("twenty steps: train_subtyping/clam_sb_svm") {
  check_trajectory("clam_sb_svm", {.type = ModelType::ClamSb, .dropout = 0.0});
}

TEST_CASE("twenty steps: train_subtyping/clam_sb_ce_subtyping") {
  check_trajectory("clam_sb_ce_subtyping", {.type = ModelType::ClamSb,
                                            .dropout = 0.0,
                                            .instance_loss = mil::LossKind::CrossEntropy,
                                            .subtyping = true,
                                            .classes = 3});
}

TEST_CASE("twenty steps: train_subtyping/hipt_lgp") {
  check_trajectory("hipt_lgp", {.type = ModelType::HiptLgp, .dropout = 0.0});
}

TEST_CASE("twenty steps: train_subtyping/hipt_lgp_frozen") {
  check_trajectory("hipt_lgp_frozen", {.type = ModelType::HiptLgp, .dropout = 0.0, .freeze_4k = true});
}

TEST_CASE("the same seed gives the same parameters after dropout and another seed gives others") {
  const auto trained = [](std::int64_t seed) {
    mil::Model model({.type = ModelType::ClamSb, .seed = seed});
    mil::TrainingStep step(model, {});
    const std::vector<mil::Bag> bags = oracle_bags(ModelType::ClamSb);
    for (std::size_t i = 0; i < 4; ++i) step.train(bags[i], static_cast<std::int64_t>(i % 2));
    return sums_of(model).at("(all)").sum;
  };
  CHECK(trained(1) == trained(1));
  CHECK(trained(1) != trained(2));
}

TEST_CASE("accumulate true steps after 32 bags and at the end of the epoch") {
  mil::Model model = test::oracle_model({.type = ModelType::Mil, .dropout = 0.0});
  const auto total = [&] { return sums_of(model).at("(all)").sum; };
  mil::TrainingStep step(model, {.accumulate = mil::Accumulate::True});
  const std::vector<mil::Bag> bags = oracle_bags(ModelType::Mil);
  const double start = total();
  for (std::size_t i = 0; i < 31; ++i) step.train(bags[i % 8], static_cast<std::int64_t>(i % 2));
  CHECK(total() == start);
  step.train(bags[7], 1);
  const double after_step = total();
  CHECK(after_step != start);
  step.train(bags[0], 0);
  CHECK(total() == after_step);
  step.end_epoch();
  CHECK(total() != after_step);
}

TEST_CASE("training goes on from a saved state with the same numbers: adam and sgd") {
  const std::vector<mil::Bag> bags = oracle_bags(ModelType::ClamSb);
  for (const mil::OptimiserKind kind : {mil::OptimiserKind::Adam, mil::OptimiserKind::Sgd}) {
    const mil::TrainingOptions training{.optimiser = kind, .learning_rate = 1e-2};
    const auto epoch = [&](mil::TrainingStep& step, std::int64_t number) {
      step.begin_epoch(number);
      // Without --subtyping: one class's instance classifier is touched in the second epoch only.
      for (std::size_t i = 0; i < 3; ++i) step.train(bags[i], number);
    };
    const auto as_dict = [](const std::vector<std::pair<std::string, Array>>& arrays) {
      io::StateDict state;
      for (const auto& [name, array] : arrays) {
        state.tensors.emplace(name, std::make_shared<const Array>(array.clone()));
      }
      return state;
    };
    mil::Model whole({.type = ModelType::ClamSb});
    mil::TrainingStep whole_step(whole, training);
    epoch(whole_step, 0);

    mil::Model resumed({.type = ModelType::ClamSb, .seed = 1});
    io::StateDict parameters = as_dict(whole.state());
    resumed.load(parameters);
    mil::TrainingStep resumed_step(resumed, training);
    resumed_step.load_state(as_dict(whole_step.state()));

    epoch(whole_step, 1);
    epoch(resumed_step, 1);
    const auto expected = sums_of(whole), actual = sums_of(resumed);
    for (const auto& [name, sums] : expected) {
      INFO(name);
      CHECK(actual.at(name).sum == sums.sum);
      CHECK(actual.at(name).squares == sums.squares);
    }
    io::StateDict broken = as_dict(whole_step.state());
    REQUIRE(!broken.tensors.empty());
    broken.tensors.begin()->second = std::make_shared<const Array>(Array::of<float>({2, 3}));
    CHECK(test::error_of([&] { resumed_step.load_state(broken); }) == ErrorCode::InvalidArgument);
  }
}

TEST_CASE("clam without its instance loss is trained by the plain loop: divided by 32") {
  const std::vector<mil::Bag> bags = oracle_bags(ModelType::ClamSb);
  // With SGD the step is the gradient: of the plain loop a 32nd of the bag's, of CLAM's loop with all weight on the bag
  // the whole one.
  const auto change = [&](const mil::TrainingOptions& training) {
    mil::Model model = test::oracle_model({.type = ModelType::ClamSb, .dropout = 0.0});
    const double before = sums_of(model).at("classifiers.bias").squares;
    mil::TrainingStep step(model, training);
    const mil::StepResult result = step.train(bags[0], 1);
    CHECK(result.instance_terms.empty() == training.no_inst_cluster);
    return sums_of(model).at("classifiers.bias").squares - before;
  };
  mil::TrainingOptions plain{
      .optimiser = mil::OptimiserKind::Sgd, .learning_rate = 1e-2, .weight_decay = 0.0, .no_inst_cluster = true};
  mil::TrainingOptions clam = plain;
  clam.no_inst_cluster = false;
  clam.bag_weight = 1.0;
  clam.learning_rate /= 32.0;
  CHECK(change(plain) == doctest::Approx(change(clam)).epsilon(1e-3));
}
