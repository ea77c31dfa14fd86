#include "hipt/vit/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/vit/state_dict.h"

namespace hipt::vit {
namespace {

constexpr std::string_view kFormulaPrefix = "random:";

[[noreturn]] void throw_misfit(const StateDict& state, const ViTConfig& config, const std::vector<std::string>& found) {
  std::string message = fmt::format("does not fit the model {}", config.name);
  if (const auto other = recognise(state)) message += fmt::format(", but {}", *other);
  throw Error(ErrorCode::InvalidArgument, fmt::format("{}: {}", message, fmt::join(found, "; ")));
}

}  // namespace

const Array& Weights::at(std::string_view name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw Error(ErrorCode::Internal, fmt::format("the model {} has no parameter {}", config.name, name));
  }
  return found->second;
}

std::shared_ptr<const Weights> formula_weights(const ViTConfig& config, std::string_view salt) {
  auto weights = std::make_shared<Weights>();
  weights->config = config;
  weights->origin = fmt::format("{}{}", kFormulaPrefix, salt);
  weights->sha256 = sha256_hex(weights->origin);
  for (const auto& [name, shape] : parameter_shapes(config)) {
    weights->tensors.emplace(name, formula_weight(salt, name, shape));
  }
  return weights;
}

std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file, const ViTConfig& config) {
  const StateDict state = read_state_dict(file);
  return with_context(file.string(), [&] {
    if (const auto found = differences(state, config); !found.empty()) throw_misfit(state, config, found);
    auto weights = std::make_shared<Weights>();
    weights->config = config;
    weights->origin = file.filename().string();
    weights->sha256 = sha256_hex_of_file(file);
    for (const auto& [name, tensor] : state.tensors) weights->tensors.emplace(name, tensor->to_float32());
    return weights;
  });
}

std::shared_ptr<const Weights> weights_from(std::string_view argument, const ViTConfig& config) {
  if (argument.starts_with(kFormulaPrefix)) return formula_weights(config, argument.substr(kFormulaPrefix.size()));
  return load_weights(argument, config);
}

}  // namespace hipt::vit
