#pragma once
// Convolutions of feature maps, by oneDNN. Maps are channels last, [height, width, channels] row-major: then a 1 x 1
// convolution is a matrix product over pixels.

#include <compare>
#include <cstdint>
#include <memory>
#include <span>

#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

struct MapSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t pixels() const { return height * width; }
  auto operator<=>(const MapSize&) const = default;
};

// Of a square kernel; padding is with zeros, equal on all sides.
struct ConvolutionSizes {
  std::int64_t in = 0;   // channels
  std::int64_t out = 0;  // channels
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  // Of a map of `size`, floor((side + 2 padding - kernel) / stride) + 1 each way.
  MapSize output(MapSize size) const;
};

// What becomes of a convolution before it is stored; the bias is always added.
enum class Activation {
  None,
  Relu,         // y = max(0, conv)
  AddThenRelu,  // y = max(0, y + conv): the end of a residual block
};

// Working memory of a call.
struct ConvolutionWork {
  Scratch maps;   // rearranged pixels
  Scratch inner;  // of oneDNN
};

// One convolution with bias; its weights are laid out once for this machine. Safe from many threads; a call runs on the
// calling thread alone and gives the same bytes each time for the same size.
class Convolution {
 public:
  // weight [out, in, kernel, kernel] row-major as PyTorch keeps it, bias [out].
  Convolution(std::span<const float> weight, std::span<const float> bias, const ConvolutionSizes& sizes);
  ~Convolution();
  Convolution(Convolution&&) noexcept;
  Convolution& operator=(Convolution&&) noexcept;

  const ConvolutionSizes& sizes() const;

  // y [output, out] from x [size, in]. They may not overlap. The map must be at least kernel - 2 padding wide and high.
  void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) const;

 private:
  struct Method;  // how it is computed: chosen by the sizes
  class Product;
  class Squares;
  class Direct;
  std::unique_ptr<Method> method_;
};

}  // namespace hipt::kernels
