#include "hipt/bags/sampling.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::bags {

std::vector<std::size_t> numpy_permutation(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);  // seeded by init_genrand, as RandomState is
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i-- > 1;) {
    const auto mask = static_cast<std::uint32_t>(std::bit_ceil(i + 1) - 1);
    std::size_t drawn = random() & mask;
    while (drawn > i) drawn = random() & mask;
    std::swap(order[i], order[drawn]);
  }
  return order;
}

std::vector<std::size_t> pandas_sample(std::size_t count, double part, std::uint32_t seed) {
  if (!(part >= 0 && part <= 1)) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("part {} of the rows: must lie between 0 and 1", part));
  }
  std::vector<std::size_t> rows = numpy_permutation(count, seed);
  rows.resize(static_cast<std::size_t>(std::nearbyint(part * static_cast<double>(count))));
  return rows;
}

}  // namespace hipt::bags
