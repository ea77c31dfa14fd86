#pragma once
// Numbers by formula: weights and inputs that any language can make again without a file. The oracle's numbers rest on
// them (docs/parity.md), and `--weights256 random:SALT` uses them.
//
// seed = FNV-1a-64 of "salt:name"; word i = finaliser of splitmix64 over seed + (i + 1) * golden ratio;
// uniform i = float(center + scale * (2u - 1)), u = top 24 bits / 2^24, in double without fused multiply-add.

#include <cstdint>
#include <string_view>
#include <vector>

#include "hipt/base/array.h"

namespace hipt {

std::uint64_t fnv1a64(std::string_view text);

// The endless sequence of 64-bit words that belongs to a salt and a name.
class FormulaWords {
 public:
  FormulaWords(std::string_view salt, std::string_view name);
  std::uint64_t operator[](std::uint64_t index) const;

 private:
  std::uint64_t seed_;
};

// float32 of any shape, uniform in [center - scale, center + scale).
Array formula_uniform(std::string_view salt, std::string_view name, Shape shape, double center, double scale);

// A tensor of a state dict: center and scale follow from the last dotted part of its name and from its shape
// (norm gains 1 +- 0.1, biases +- 0.05, class token +- 0.05, positions +- 0.2, matrices +- sqrt(3 / fan_in)).
Array formula_weight(std::string_view salt, std::string_view name, const Shape& shape);

// Interleaved RGB bytes [height, width, 3].
std::vector<std::uint8_t> formula_image(std::string_view salt, std::string_view name, int height, int width);

}  // namespace hipt
