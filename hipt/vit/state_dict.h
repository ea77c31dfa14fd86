#pragma once
// The tensors of a checkpoint under the bare model's names. What weights.cpp and checkpoint.cpp share.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/vit/config.h"

namespace hipt::vit {

struct StateDict {
  std::map<std::string, std::shared_ptr<const Array>>
      tensors;                      // views into the file: copy what must outlive a change of it
  std::vector<std::string> others;  // entries that are no tensors, "epoch: int"
};

// A torch file (the entry "teacher" of a DINO checkpoint, "state_dict" or "model" of others, else the whole object) or
// a safetensors file. "module." and "backbone." are taken off the names, "head.*" is left out. Throws Unsupported when
// the file holds no dict, Corrupt for two tensors of one bare name.
StateDict read_state_dict(const std::filesystem::path& file);

// How the tensors differ from those of a model, each named; empty when they fit.
std::vector<std::string> differences(const StateDict& state, const ViTConfig& config);

// The named model that the tensors fit.
std::optional<std::string_view> recognise(const StateDict& state);

}  // namespace hipt::vit
