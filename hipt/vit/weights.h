#pragma once
// The parameters of one ViT by their state-dict names, float32.

#include <filesystem>
#include <memory>
#include <string_view>

#include "hipt/io/state_dict.h"
#include "hipt/vit/config.h"

namespace hipt::vit {

// Exactly parameter_shapes(config).
struct Weights : io::Parameters {
  ViTConfig config;
};

// Formula weights (base/formula.h): for tests and for trying the program without a checkpoint; features mean nothing.
std::shared_ptr<const Weights> formula_weights(const ViTConfig& config, std::string_view salt);

// A file: DINO checkpoint (teacher; "module." and "backbone." stripped; head ignored), bare state dict, or safetensors.
// Missing, extra and misshapen tensors are all listed in one Error.
std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file, const ViTConfig& config);

// "random:SALT" or a file name, as --weights256 and --weights4k take it.
std::shared_ptr<const Weights> weights_from(std::string_view argument, const ViTConfig& config);

}  // namespace hipt::vit
