#include "hipt/resnet/weights.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/resnet/architecture.h"

namespace hipt::resnet {

namespace {

io::StateDict read_state_dict(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 2> kPrefixes{"module.", "model."};
  static constexpr std::array<std::string_view, 2> kDropped{"layer4.", "fc."};
  return io::read_state_dict(file, {.prefixes = kPrefixes, .dropped = kDropped, .dropped_end = ".num_batches_tracked"});
}

}  // namespace

bool holds_resnet50(const std::filesystem::path& file) {
  return io::differences(read_state_dict(file), parameter_shapes()).empty();
}

std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file) {
  const io::StateDict state = read_state_dict(file);
  return with_context(file.string(), [&] {
    const std::vector<std::string> found = io::differences(state, parameter_shapes());
    if (!found.empty()) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("does not fit the model resnet50: {}", fmt::join(found, "; ")));
    }
    return std::make_shared<const Weights>(io::to_parameters(state, file));
  });
}

std::shared_ptr<const Weights> weights_from(std::string_view argument) {
  if (const auto salt = io::formula_salt(argument)) {
    return std::make_shared<const Weights>(io::formula_parameters(parameter_shapes(), *salt));
  }
  return load_weights(argument);
}

}  // namespace hipt::resnet
