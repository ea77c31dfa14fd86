#pragma once
// State dicts of ViTs. What weights.cpp and checkpoint.cpp share.

#include <filesystem>
#include <optional>
#include <string_view>

#include "hipt/io/state_dict.h"

namespace hipt::vit {

// As io::read_state_dict; "module." and "backbone." are taken off the names, "head.*" (DINO's projection) is left out.
io::StateDict read_state_dict(const std::filesystem::path& file);

// The named model that the tensors fit.
std::optional<std::string_view> recognise(const io::StateDict& state);

}  // namespace hipt::vit
