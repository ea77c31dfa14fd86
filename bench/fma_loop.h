#pragma once

#include <cstdint>

namespace hipt::bench {

// Float32 multiply-adds on the chosen instruction set, `rounds` times over more sums than the processor has in flight.
// Returns how many multiply-adds of one number that were; `sink` takes the sums, so that they are not optimised away.
double run_fma_loop(std::int64_t rounds, float* sink);

}  // namespace hipt::bench
