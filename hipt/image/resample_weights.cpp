#include "hipt/image/resample_weights.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::image {
namespace {

double support_of(Filter filter) {
  return filter == Filter::Bilinear ? 1.0 : 2.0;
}

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic. The order of operations decides the last bit.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double value_of(Filter filter, double x) {
  return filter == Filter::Bilinear ? triangle(x) : cubic(x);
}

// To the nearest, halves away from zero.
std::int32_t fixed_point(double weight) {
  constexpr double kOne = 1 << kWeightBits;
  return static_cast<std::int32_t>(weight < 0 ? weight * kOne - 0.5 : weight * kOne + 0.5);
}

}  // namespace

void check_resample_size(RgbView picture, int width, int height) {
  if (width > 0 && height > 0 && picture.width > 0 && picture.height > 0) return;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("cannot resample {} x {} pixels to {} x {}", picture.width, picture.height, width, height));
}

ResampleWeights::ResampleWeights(int from, int to, Filter filter) {
  const double scale = static_cast<double>(from) / to;
  const double filter_scale = std::max(scale, 1.0);
  const double inverse = 1.0 / filter_scale;
  const double support = support_of(filter) * filter_scale;
  std::vector<double> values;
  ends_.push_back(0);
  for (int target = 0; target < to; ++target) {
    const double center = (target + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), from);
    values.clear();
    double sum = 0;
    for (int source = first; source < end; ++source) {
      values.push_back(value_of(filter, (source - center + 0.5) * inverse));
      sum += values.back();
    }
    for (const double value : values) weights_.push_back(fixed_point(sum != 0 ? value / sum : value));
    firsts_.push_back(first);
    ends_.push_back(weights_.size());
  }
}

}  // namespace hipt::image
