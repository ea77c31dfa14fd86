#include "test/mil/mil_support.h"

#include <memory>

#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/train/thread.h"

#include "test/support/support.h"

namespace hipt::test {

mil::Model oracle_model(const mil::ModelOptions& options) {
  train::prepare_training_thread();
  mil::Model model(options);
  io::StateDict state;
  for (const auto& [name, shape] : model.parameter_shapes()) {
    state.tensors.emplace(name, std::make_shared<const Array>(formula_weight(kSalt, name, shape)));
  }
  model.load(state);
  return model;
}

mil::Bag oracle_bag(const std::string& name, Shape shape) {
  mil::Bag bag;
  bag.features = formula_uniform(kSalt, name, std::move(shape), 0.0, 1.0);
  return bag;
}

std::vector<std::int64_t> oracle_integers(std::string_view name, std::int64_t count, std::int64_t bound) {
  const FormulaWords words(kSalt, name);
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(
        static_cast<std::int64_t>((words[static_cast<std::uint64_t>(i)] >> 33) % static_cast<std::uint64_t>(bound)));
  }
  return values;
}

void check_mil_case(const std::string& id, const Array& actual) {
  const nlohmann::json oracle_case = golden_case(id);
  const Array expected = golden_array(oracle_case.at("file").get<std::string>());
  CHECK(to_string(actual.shape()) == to_string(expected.shape()));
  check_close(id, actual.as<float>(), expected.as<float>(), oracle_case.at("tol_abs").get<double>());
}

}  // namespace hipt::test
