#pragma once
// The parameters of the truncated ResNet-50: exactly parameter_shapes(), float32.

#include <filesystem>
#include <memory>
#include <string_view>

#include "hipt/io/state_dict.h"

namespace hipt::resnet {

using Weights = io::Parameters;

// A state dict of torchvision (resnet50-19c8e357.pth) or timm (resnet50.tv_in1k), .pth or safetensors: the wrappers'
// "module." and "model." are taken off the names; layer4, the classifier and the counters of batches are left out.
// Missing, extra and misshapen tensors are all listed in one Error.
std::shared_ptr<const Weights> load_weights(const std::filesystem::path& file);

// Whether load_weights would take the tensors of this file. Throws as io::read_state_dict does.
bool holds_resnet50(const std::filesystem::path& file);

// "random:SALT" (formula weights, features mean nothing) or a file name, as --weights_resnet takes it.
std::shared_ptr<const Weights> weights_from(std::string_view argument);

}  // namespace hipt::resnet
