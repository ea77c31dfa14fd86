#pragma once
// How much memory there is, and what a fold takes of it.

#include <cstdint>

#include "hipt/mil/options.h"

namespace hipt::subtype {

// Memory that can still be taken without swapping: what the system has available, within the limit of this process's
// control group. A guess of 2 GB where the system does not say.
std::int64_t available_memory_bytes();

// What training takes at its peak for a bag of so many instances (regions for hipt_n, hipt_lgp and hipt_gp), model and
// optimiser included: measured for hipt_lgp (26 MB a region and 210 MB) and hipt_n, estimated for the others.
std::int64_t training_bytes(const mil::ModelOptions& model, std::int64_t instances);

}  // namespace hipt::subtype
