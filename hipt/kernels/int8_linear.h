#pragma once
// Linear layers in 8-bit integers.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hipt/kernels/int8_rows.h"
#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

// A linear layer, x W^T + bias, with its weights in 8 bits, laid out once for this machine: by oneDNN where the machine
// has VNNI (or AMX), by an own kernel of 16-bit products elsewhere, which is exact too but no faster than float32.
// (oneDNN's for AVX2 is not used: its sums of byte products saturate at 16 bits.) Safe from many threads; a call runs
// on the calling thread alone.
class Int8Linear {
 public:
  // weight [out, in] row-major as PyTorch keeps it, bias [out] or empty for none. Throws InvalidArgument for an `in`
  // whose sums could leave 32 bits.
  Int8Linear(std::span<const float> weight, std::span<const float> bias, std::int64_t in, std::int64_t out,
             ByteCode code);
  ~Int8Linear();
  Int8Linear(Int8Linear&&) noexcept;
  Int8Linear& operator=(Int8Linear&&) noexcept;

  std::int64_t in() const;
  std::int64_t out() const;
  // What the readers of a product add after scaling [out]: the layer's bias and, FromLowest, what kGeluLowest gives.
  std::span<const float> bias() const;

  // y [rows, out] for x [rows, in] with row scales s: the layer gives s[row] * y[row] + bias().
  void apply(const std::uint8_t* x, std::int64_t rows, float* y, Scratch& scratch) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same by plain loops.
struct Int8LinearReference {
  std::vector<float> y;     // [rows, out]
  std::vector<float> bias;  // [out]
};
Int8LinearReference int8_linear_reference(std::span<const float> weight, std::span<const float> bias, std::int64_t in,
                                          std::int64_t out, ByteCode code, std::span<const std::uint8_t> x);

// Whether Int8Linear is oneDNN's on this machine, as HIPT_CPU allows.
bool has_fast_int8();

}  // namespace hipt::kernels
