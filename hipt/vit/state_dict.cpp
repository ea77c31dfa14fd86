#include "hipt/vit/state_dict.h"

#include <array>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/safetensors.h"
#include "hipt/io/torch_file.h"

namespace hipt::vit {
namespace {

constexpr std::array<std::string_view, 3> kModelKeys{"teacher", "state_dict", "model"};

// The name in the bare model; nothing for a tensor of DINO's projection head.
std::optional<std::string> bare_name(std::string_view name) {
  for (const std::string_view prefix : {"module.", "backbone."}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (name.starts_with("head.")) return std::nullopt;
  }
  return std::string(name);
}

void add_tensor(StateDict& state, std::string_view name, std::shared_ptr<const Array> tensor) {
  const std::optional<std::string> bare = bare_name(name);
  if (bare && !state.tensors.emplace(*bare, std::move(tensor)).second) {
    throw Error(ErrorCode::Corrupt, fmt::format("two tensors are called {} once their prefixes are gone", *bare));
  }
}

std::string kind_of(const io::TorchValue& value) {
  if (const auto* const opaque = std::get_if<io::TorchOpaque>(&value.value)) return opaque->class_name;
  constexpr std::array kinds{"None", "bool", "int", "float", "str", "tensor", "list", "dict"};
  return kinds.at(value.value.index());
}

StateDict from_torch(const std::filesystem::path& file) {
  const io::TorchValue object = io::read_torch_file(file, kModelKeys);
  const io::TorchDict* const dict = object.dict();
  if (dict == nullptr) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("holds one {} instead of a dict of tensors; save model.state_dict()", kind_of(object)));
  }
  StateDict state;
  for (const auto& [key, value] : *dict) {
    const auto* const name = std::get_if<std::string>(&key.value);
    const auto* const tensor = std::get_if<std::shared_ptr<Array>>(&value.value);
    if (name != nullptr && tensor != nullptr) {
      add_tensor(state, *name, *tensor);
    } else if (name == nullptr || bare_name(*name)) {
      state.others.push_back(fmt::format("{}: {}", name != nullptr ? *name : "(no text)", kind_of(value)));
    }
  }
  return state;
}

}  // namespace

StateDict read_state_dict(const std::filesystem::path& file) {
  if (!io::is_safetensors_name(file)) {
    return with_context(file.string(), [&] { return from_torch(file); });
  }
  auto tensors = io::read_safetensors(file);
  return with_context(file.string(), [&] {
    StateDict state;
    for (auto& [name, tensor] : tensors) add_tensor(state, name, std::make_shared<const Array>(std::move(tensor)));
    return state;
  });
}

std::vector<std::string> differences(const StateDict& state, const ViTConfig& config) {
  std::vector<std::string> found;
  std::map<std::string, Shape> expected;
  for (auto& [name, shape] : parameter_shapes(config)) {
    const auto tensor = state.tensors.find(name);
    if (tensor == state.tensors.end()) {
      found.push_back(fmt::format("missing {} {}", name, to_string(shape)));
    } else if (tensor->second->shape() != shape) {
      found.push_back(
          fmt::format("{} is {} instead of {}", name, to_string(tensor->second->shape()), to_string(shape)));
    }
    expected.emplace(name, shape);
  }
  for (const auto& [name, tensor] : state.tensors) {
    if (!expected.contains(name)) found.push_back(fmt::format("extra {} {}", name, to_string(tensor->shape())));
  }
  for (const std::string& other : state.others) found.push_back(fmt::format("no tensor {}", other));
  return found;
}

std::optional<std::string_view> recognise(const StateDict& state) {
  for (const std::string_view name : config_names()) {
    if (differences(state, named_config(name)).empty()) return name;
  }
  return std::nullopt;
}

}  // namespace hipt::vit
