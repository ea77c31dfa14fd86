#pragma once
// HIPT_CPU: this environment variable holds the kernels of this folder, and oneDNN, to one instruction set:
//   portable  what the build was compiled for (x86-64 without extensions); of oneDNN, code for SSE4.1, its lowest
//   avx2      AVX2 with FMA
//   avx512    AVX-512, with bf16 and VNNI where the machine has them
// Without it both take the best that the machine has. For tests, measurements and finding faults. Features differ in
// their last bits between instruction sets, as sums are taken in another order.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hipt::kernels {

// Those that this machine can run, best first; the last is "portable".
std::vector<std::string> instruction_sets();

// What HIPT_CPU names; nothing when it is not set or empty, and the machine's best is in use. The first call reads the
// variable and puts it into force for the life of the process; Linear and Convolution make it before their first use of
// oneDNN, so that an engine either obeys or is not made. Throws as require_instruction_set.
std::optional<std::string> forced_instruction_set();

// Throws InvalidArgument when HIPT_CPU=`name` means nothing, Device when this machine lacks it.
void require_instruction_set(std::string_view name);

}  // namespace hipt::kernels
