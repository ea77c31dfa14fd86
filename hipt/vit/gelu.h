#pragma once

namespace hipt::vit {

// Gaussian error linear unit, the exact form of the published models: x times the normal distribution function of x.
double gelu(double x);

}  // namespace hipt::vit
