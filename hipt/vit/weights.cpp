#include "hipt/vit/weights.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/vit/state_dict.h"

namespace hipt::vit {
namespace {

[[noreturn]] void throw_misfit(const io::StateDict& state, const ViTConfig& config,
                               const std::vector<std::string>& found) {
  std::string message = fmt::format("does not fit the model {}", config.name);
  if (const auto other = recognise(state)) message += fmt::format(", but {}", *other);
  throw Error(ErrorCode::InvalidArgument, fmt::format("{}: {}", message, fmt::join(found, "; ")));
}

}  // namespace

std::shared_ptr<const Weights> formula_weights(const ViTConfig& config, std::string_view salt) {
  return std::make_shared<const Weights>(Weights{io::formula_parameters(parameter_shapes(config), salt), config});
}

std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file, const ViTConfig& config) {
  const io::StateDict state = read_state_dict(file);
  return with_context(file.string(), [&] {
    const std::vector<std::string> found = io::differences(state, parameter_shapes(config));
    if (!found.empty()) throw_misfit(state, config, found);
    return std::make_shared<const Weights>(Weights{io::to_parameters(state, file), config});
  });
}

std::shared_ptr<const Weights> weights_from(std::string_view argument, const ViTConfig& config) {
  if (const auto salt = io::formula_salt(argument)) return formula_weights(config, *salt);
  return load_weights(argument, config);
}

}  // namespace hipt::vit
