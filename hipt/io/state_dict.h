#pragma once
// The tensors of a model's file under the bare model's names, and the parameters of a model once they are float32.

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::io {

struct StateDict {
  std::map<std::string, std::shared_ptr<const Array>>
      tensors;                      // views into the file: copy what must outlive a change of it
  std::vector<std::string> others;  // entries that are no tensors, "epoch: int"
};

// How a model's names are found in the names of a file.
struct StateDictNames {
  std::span<const std::string_view> prefixes;  // of wrappers ("module."): each is taken off once, in this order
  std::span<const std::string_view> dropped;  // names that begin so, before or after a prefix, are no part of the model
  std::string_view dropped_end = {};          // nor are names that end so; "" for none
};

// A torch file (the entry "teacher" of a DINO checkpoint, "state_dict" or "model" of others, else the whole object) or
// a safetensors file. Throws Unsupported when the file holds no dict, Corrupt for two tensors of one bare name.
StateDict read_state_dict(const std::filesystem::path& file, const StateDictNames& names);

using ParameterShapes = std::vector<std::pair<std::string, Shape>>;

// How the tensors differ from those of a model, each named; empty when they fit.
std::vector<std::string> differences(const StateDict& state, const ParameterShapes& expected);

// The parameters of one model by their state-dict names, float32. Those of a file look into it, mapped, where they
// stand there as float32: an engine packs them and lets go of the file.
struct Parameters {
  std::map<std::string, Array, std::less<>> tensors;
  std::string origin;  // "vit256_small_dino.pth" or "random:gold1", for messages
  std::shared_future<std::string> file_digest;

  const Array& at(std::string_view name) const;  // throws Internal when absent
  // SHA-256 of the file's bytes; of "random:SALT" for formula weights. A file is hashed beside what is done with its
  // parameters (an engine packs them), and waited for here. Throws Io when that failed.
  const std::string& sha256() const { return file_digest.get(); }
};

// Of a state dict that fits; `file` is where it came from.
Parameters to_parameters(const StateDict& state, const std::filesystem::path& file);

// Formula weights (base/formula.h): for tests and for trying the program without a checkpoint; features mean nothing.
Parameters formula_parameters(const ParameterShapes& shapes, std::string_view salt);
// The SALT of "random:SALT", as the flags of weights take it; nothing for the name of a file.
std::optional<std::string_view> formula_salt(std::string_view argument);

}  // namespace hipt::io
