#include "hipt/vit/positions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::vit {
namespace {

// The published code resizes by the factor (wanted + 0.1) / trained, and that factor, not the size that comes out,
// places the samples. Features of the published weights depend on it.
constexpr double kScaleAddition = 0.1;
constexpr double kCubicA = -0.75;  // torch's bicubic

// Keys' cubic convolution kernel at distance t >= 0.
double cubic(double t) {
  if (t <= 1.0) return ((kCubicA + 2.0) * t - (kCubicA + 3.0)) * t * t + 1.0;
  return ((kCubicA * t - 5.0 * kCubicA) * t + 8.0 * kCubicA) * t - 4.0 * kCubicA;
}

struct Taps {
  std::array<std::int64_t, 4> index;
  std::array<double, 4> weight;
};

// Where each of `wanted` samples comes from on an axis of `trained` samples; beyond the ends the edge is repeated.
std::vector<Taps> axis_taps(std::int64_t trained, std::int64_t wanted) {
  std::vector<Taps> taps(static_cast<std::size_t>(wanted));
  const double step = static_cast<double>(trained) / (static_cast<double>(wanted) + kScaleAddition);
  for (std::int64_t i = 0; i < wanted; ++i) {
    const double source = (static_cast<double>(i) + 0.5) * step - 0.5;
    const double floor = std::floor(source);
    const double t = source - floor;
    Taps& tap = taps[static_cast<std::size_t>(i)];
    tap.weight = {cubic(1.0 + t), cubic(t), cubic(1.0 - t), cubic(2.0 - t)};
    for (std::int64_t k = 0; k < 4; ++k) {
      tap.index[static_cast<std::size_t>(k)] =
          std::clamp<std::int64_t>(static_cast<std::int64_t>(floor) - 1 + k, 0, trained - 1);
    }
  }
  return taps;
}

}  // namespace

Array positions_for_grid(const Array& pos_embed, std::int64_t trained_grid, Grid grid) {
  const std::int64_t trained = trained_grid;
  if (pos_embed.rank() != 3 || pos_embed.dim(0) != 1 || pos_embed.dim(1) != 1 + trained * trained) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("pos_embed {}: expected [1, {}, dim] for a trained grid of {} x {}",
                            to_string(pos_embed.shape()), 1 + trained * trained, trained, trained));
  }
  const std::int64_t dim = pos_embed.dim(2);
  if (grid == Grid{trained, trained}) return pos_embed.clone().reshaped({1 + grid.size(), dim});

  Array result = Array::of<float>({1 + grid.size(), dim});
  const float* source = pos_embed.as<float>().data();
  float* out = result.as_mutable<float>().data();
  out = std::copy_n(source, dim, out);
  const std::vector<Taps> row_taps = axis_taps(trained, grid.rows);
  const std::vector<Taps> col_taps = axis_taps(trained, grid.cols);
  std::vector<double> sum(static_cast<std::size_t>(dim));
  for (const Taps& row : row_taps) {
    for (const Taps& col : col_taps) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::size_t r = 0; r < 4; ++r) {
        for (std::size_t c = 0; c < 4; ++c) {
          const float* sample = source + (1 + row.index[r] * trained + col.index[c]) * dim;
          const double weight = row.weight[r] * col.weight[c];
          for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += weight * double{sample[d]};
        }
      }
      out = std::transform(sum.begin(), sum.end(), out, [](double value) { return static_cast<float>(value); });
    }
  }
  return result;
}

}  // namespace hipt::vit
