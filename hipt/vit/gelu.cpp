#include "hipt/vit/gelu.h"

#include <cmath>
#include <numbers>

namespace hipt::vit {

double gelu(double x) {
  return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
}

}  // namespace hipt::vit
