#pragma once
// The parameters of one ViT by their state-dict names, float32.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hipt/base/array.h"
#include "hipt/vit/config.h"

namespace hipt::vit {

struct Weights {
  ViTConfig config;
  std::map<std::string, Array, std::less<>> tensors;  // exactly parameter_shapes(config)
  std::string origin;                                 // "vit256_small_dino.pth" or "random:gold1", for messages
  std::string sha256;                                 // of the file's bytes; of "random:SALT" for formula weights

  const Array& at(std::string_view name) const;  // throws Internal when absent
};

// Formula weights (base/formula.h): for tests and for trying the program without a checkpoint; features mean nothing.
std::shared_ptr<const Weights> formula_weights(const ViTConfig& config, std::string_view salt);

// A file: DINO checkpoint (teacher; "module." and "backbone." stripped; head ignored), bare state dict, or safetensors.
// Missing, extra and misshapen tensors are all listed in one Error.
std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file, const ViTConfig& config);

// "random:SALT" or a file name, as --weights256 and --weights4k take it.
std::shared_ptr<const Weights> weights_from(std::string_view argument, const ViTConfig& config);

}  // namespace hipt::vit
