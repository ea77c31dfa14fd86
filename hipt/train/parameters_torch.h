#pragma once
// The parameters of a model under the names of the published state dicts, and the one source of its random numbers.
//
// Layers are values that hold tensors of the set (layers_torch.h); a model is a struct of layers, each given its
// published name. So a name in a checkpoint is found in our source by searching for it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hipt/io/state_dict.h"
#include "hipt/train/torch.h"

namespace hipt::train {

class ParameterSet {
 public:
  struct Entry {
    std::string name;
    at::Tensor tensor;
    bool is_buffer = false;  // part of the state dict, not trained
  };

  // Initial values and dropout masks of this model come from a generator of its own, seeded here: models that train
  // side by side do not disturb each other.
  explicit ParameterSet(std::uint64_t seed);

  // Take a new entry; the tensor that comes back shares its memory. Names are unique.
  at::Tensor add(std::string name, at::Tensor initial);
  at::Tensor add_buffer(std::string name, at::Tensor initial);

  const std::vector<Entry>& entries() const { return entries_; }
  const at::Generator& generator() const { return generator_; }
  // Draws from here on as a fresh set of that seed would.
  void reseed(std::uint64_t seed);

  // No gradients for names that begin so.
  void freeze(std::string_view prefix);
  std::vector<at::Tensor> trainable() const;  // parameters that are not frozen

  bool training() const { return training_; }  // dropout works only then
  void set_training(bool training) { training_ = training; }

  // Names and shapes of the parameters (no buffers) whose names begin with `prefix`, the prefix taken off.
  io::ParameterShapes shapes(std::string_view prefix = {}) const;
  // Copies values into the parameters that begin with `prefix` ("local_vit."), whose names in `state` lack it; buffers
  // may be absent, and are then left. Throws InvalidArgument that lists all that is missing, extra or misshapen.
  void load(const io::StateDict& state, std::string_view prefix = {});
  // A dict of tensors that torch.load(weights_only=True) opens and load_state_dict takes. `records` as in
  // io::write_torch_tensors. Atomic.
  void save(const std::filesystem::path& file, std::vector<std::pair<std::string, std::string>> records = {}) const;

 private:
  std::vector<Entry> entries_;
  at::Generator generator_;
  bool training_ = false;
};

}  // namespace hipt::train
