#include "hipt/io/state_dict.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/safetensors.h"
#include "hipt/io/torch_file.h"

namespace hipt::io {
namespace {

constexpr std::array<std::string_view, 3> kModelKeys{"teacher", "state_dict", "model"};
constexpr std::string_view kFormulaPrefix = "random:";

// The name in the bare model; nothing for a tensor that is no part of it.
std::optional<std::string> bare_name(std::string_view name, const StateDictNames& names) {
  const auto is_dropped = [&] {
    return (!names.dropped_end.empty() && name.ends_with(names.dropped_end)) ||
           std::any_of(names.dropped.begin(), names.dropped.end(),
                       [name](std::string_view start) { return name.starts_with(start); });
  };
  if (is_dropped()) return std::nullopt;
  for (const std::string_view prefix : names.prefixes) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (is_dropped()) return std::nullopt;
  }
  return std::string(name);
}

void add_tensor(StateDict& state, const StateDictNames& names, std::string_view name,
                std::shared_ptr<const Array> tensor) {
  const std::optional<std::string> bare = bare_name(name, names);
  if (bare && !state.tensors.emplace(*bare, std::move(tensor)).second) {
    throw Error(ErrorCode::Corrupt, fmt::format("two tensors are called {} once their prefixes are gone", *bare));
  }
}

// The tensor itself where it is float32 in its place; else a copy.
Array as_float32(const std::shared_ptr<const Array>& tensor) {
  const bool in_place =
      tensor->dtype() == DType::Float32 && reinterpret_cast<std::uintptr_t>(tensor->bytes()) % alignof(float) == 0;
  return in_place ? Array::view(tensor, tensor->bytes(), DType::Float32, tensor->shape()) : tensor->to_float32();
}

// Of the mapped file, which costs the system less than reading it; no more of it than a piece counts as our memory.
std::string digest_of(const std::filesystem::path& file) {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  const auto mapped = MappedFile::open(file);
  const std::span<const std::byte> all = mapped->bytes();
  Sha256 hash;
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    const std::span<const std::byte> piece = all.subspan(at, std::min(kPiece, all.size() - at));
    hash.update(piece);
    mapped->forget(piece);
  }
  return hash.hex();
}

std::string kind_of(const TorchValue& value) {
  if (const auto* const opaque = std::get_if<TorchOpaque>(&value.value)) return opaque->class_name;
  constexpr std::array kinds{"None", "bool", "int", "float", "str", "tensor", "list", "dict"};
  return kinds.at(value.value.index());
}

StateDict from_torch(const std::filesystem::path& file, const StateDictNames& names) {
  const TorchValue object = read_torch_file(file, kModelKeys);
  const TorchDict* const dict = object.dict();
  if (dict == nullptr) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("holds one {} instead of a dict of tensors; save model.state_dict()", kind_of(object)));
  }
  StateDict state;
  for (const auto& [key, value] : *dict) {
    const auto* const name = std::get_if<std::string>(&key.value);
    const auto* const tensor = std::get_if<std::shared_ptr<Array>>(&value.value);
    if (name != nullptr && tensor != nullptr) {
      add_tensor(state, names, *name, *tensor);
    } else if (name == nullptr || bare_name(*name, names)) {
      state.others.push_back(fmt::format("{}: {}", name != nullptr ? *name : "(no text)", kind_of(value)));
    }
  }
  return state;
}

}  // namespace

StateDict read_state_dict(const std::filesystem::path& file, const StateDictNames& names) {
  if (!is_safetensors_name(file)) {
    return with_context(file.string(), [&] { return from_torch(file, names); });
  }
  auto tensors = read_safetensors(file);
  return with_context(file.string(), [&] {
    StateDict state;
    for (auto& [name, tensor] : tensors) {
      add_tensor(state, names, name, std::make_shared<const Array>(std::move(tensor)));
    }
    return state;
  });
}

std::vector<std::string> differences(const StateDict& state, const ParameterShapes& expected) {
  std::vector<std::string> found;
  std::map<std::string_view, const Shape*> known;
  for (const auto& [name, shape] : expected) {
    const auto tensor = state.tensors.find(name);
    if (tensor == state.tensors.end()) {
      found.push_back(fmt::format("missing {} {}", name, to_string(shape)));
    } else if (tensor->second->shape() != shape) {
      found.push_back(
          fmt::format("{} is {} instead of {}", name, to_string(tensor->second->shape()), to_string(shape)));
    }
    known.emplace(name, &shape);
  }
  for (const auto& [name, tensor] : state.tensors) {
    if (!known.contains(name)) found.push_back(fmt::format("extra {} {}", name, to_string(tensor->shape())));
  }
  for (const std::string& other : state.others) found.push_back(fmt::format("no tensor {}", other));
  return found;
}

const Array& Parameters::at(std::string_view name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(ErrorCode::Internal, fmt::format("the model has no parameter {}", name));
  return found->second;
}

Parameters to_parameters(const StateDict& state, const std::filesystem::path& file) {
  Parameters parameters;
  parameters.origin = file.filename().string();
  parameters.file_digest = std::async(std::launch::async, [file] { return digest_of(file); }).share();
  for (const auto& [name, tensor] : state.tensors) parameters.tensors.emplace(name, as_float32(tensor));
  return parameters;
}

Parameters formula_parameters(const ParameterShapes& shapes, std::string_view salt) {
  Parameters parameters;
  parameters.origin = fmt::format("{}{}", kFormulaPrefix, salt);
  std::promise<std::string> digest;
  digest.set_value(sha256_hex(parameters.origin));
  parameters.file_digest = digest.get_future().share();
  for (const auto& [name, shape] : shapes) parameters.tensors.emplace(name, formula_weight(salt, name, shape));
  return parameters;
}

std::optional<std::string_view> formula_salt(std::string_view argument) {
  if (!argument.starts_with(kFormulaPrefix)) return std::nullopt;
  return argument.substr(kFormulaPrefix.size());
}

}  // namespace hipt::io
