#pragma once
// The weights of Pillow's 8-bit resampling along one side. Internal to hipt/image.

#include <cstdint>
#include <span>
#include <vector>

#include "hipt/image/resample.h"

namespace hipt::image {

// Weights are whole numbers of 1 / 2^kWeightBits: a byte and the sum of all weights, some of them negative, leave room
// in 32 bits.
inline constexpr int kWeightBits = 32 - 8 - 2;

// Throws InvalidArgument when a side is not positive.
void check_resample_size(RgbView picture, int width, int height);

class ResampleWeights {
 public:
  ResampleWeights(int from, int to, Filter filter);

  // The first source pixel of the target pixel, and the weights from there on.
  int first(int target) const { return firsts_[static_cast<std::size_t>(target)]; }
  std::span<const std::int32_t> of(int target) const {
    return {weights_.data() + ends_[static_cast<std::size_t>(target)],
            weights_.data() + ends_[static_cast<std::size_t>(target) + 1]};
  }
  int end(int target) const { return first(target) + static_cast<int>(of(target).size()); }

 private:
  std::vector<int> firsts_;
  std::vector<std::size_t> ends_;  // target + 1 entries: where the weights of each target begin, and the end
  std::vector<std::int32_t> weights_;
};

}  // namespace hipt::image
