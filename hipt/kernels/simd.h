#pragma once
// Which of Highway's targets the kernels of this folder run on. Each is compiled for all of them; the best that the
// machine has, and that HIPT_CPU allows (instruction_set.h), is chosen at the first call.

#include <string>
#include <vector>

namespace hipt::kernels {

// "AVX2", "SSE4", "NEON", ...: the one in use.
std::string simd_target();

// All that this machine can run and HIPT_CPU allows, best first.
std::vector<std::string> simd_targets();

// Uses this target, one of simd_targets(), from the next call on; an empty name gives the choice back. For tests and
// measurements: not to be called while kernels run. Throws NotFound.
void use_simd_target(const std::string& name);

}  // namespace hipt::kernels
