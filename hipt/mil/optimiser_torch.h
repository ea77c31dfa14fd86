#pragma once
// What an optimiser remembers, by the names of the parameters.

#include <string>
#include <utility>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/io/state_dict.h"
#include "hipt/train/parameters_torch.h"

namespace hipt::mil {

std::vector<std::pair<std::string, Array>> optimiser_state(const torch::optim::Optimizer& optimiser,
                                                           const train::ParameterSet& parameters);

// Throws InvalidArgument when a tensor is missing or of another shape than its parameter.
void load_optimiser_state(const io::StateDict& state, const train::ParameterSet& parameters,
                          torch::optim::Optimizer& optimiser);

}  // namespace hipt::mil
