#include "hipt/vit/state_dict.h"

#include <array>

#include "hipt/vit/config.h"

namespace hipt::vit {

io::StateDict read_state_dict(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 2> kPrefixes{"module.", "backbone."};
  static constexpr std::array<std::string_view, 1> kDropped{"head."};
  return io::read_state_dict(file, {.prefixes = kPrefixes, .dropped = kDropped});
}

std::optional<std::string_view> recognise(const io::StateDict& state) {
  for (const std::string_view name : config_names()) {
    if (io::differences(state, parameter_shapes(named_config(name))).empty()) return name;
  }
  return std::nullopt;
}

}  // namespace hipt::vit
