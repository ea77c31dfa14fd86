#pragma once
// Draws that equal those of NumPy's legacy generator, so that a published part of the training slides is the same here.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hipt::bags {

// numpy.random.RandomState(seed).permutation(count): MT19937 and masked rejection.
std::vector<std::size_t> numpy_permutation(std::size_t count, std::uint32_t seed);

// Rows that pandas' DataFrame.sample(frac=part, random_state=seed) takes of `count`, in its order: the first
// round(part * count), halves to even, of numpy_permutation. Throws InvalidArgument for a part outside [0, 1].
std::vector<std::size_t> pandas_sample(std::size_t count, double part, std::uint32_t seed);

}  // namespace hipt::bags
