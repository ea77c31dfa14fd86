#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hipt/kernels/convolution.h"
#include "hipt/kernels/matmul.h"

namespace hipt::kernels {

// 3 x 3 convolutions at stride 1 with padding 1 by 4/9 of the multiplications: F(2 x 2, 3 x 3) of Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks (CVPR 2016). Squares of 4 x 4 pixels become 16 numbers a channel, 16
// products mix the channels, and each square gives 2 x 2 pixels. Its rounding errors are no larger than those of the
// sum.
class Winograd {
 public:
  // weight [out, in, 3, 3], bias [out].
  Winograd(std::span<const float> weight, std::span<const float> bias, std::int64_t in, std::int64_t out);

  // As Convolution::apply.
  void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) const;

 private:
  std::int64_t in_;
  std::int64_t out_;
  std::vector<float> bias_;
  std::vector<float> nothing_;    // [in], zeros: what lies beside the map
  std::vector<Linear> products_;  // one for each of a square's 16 numbers
};

}  // namespace hipt::kernels
