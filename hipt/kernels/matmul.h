#pragma once
// Matrix products, by oneDNN: the one place in the house that knows it.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "hipt/kernels/bfloat16.h"
#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

// What becomes of a product before it is stored, in this order.
struct Epilogue {
  const float* bias = nullptr;  // [out], added to each row
  bool add = false;             // added to what y holds (residual connections)
  bool relu = false;            // negative numbers become 0
};

// The product of a linear layer, x W^T, over any number of rows; its weights are laid out once for this machine. (The
// ViT's biases are added by the kernels that read the result, which costs less than an epilogue.) Safe from many
// threads; a call runs on the calling thread alone and gives the same bytes each time for the same number of rows.
class Linear {
 public:
  // weight [out, in] row-major as PyTorch keeps it.
  Linear(std::span<const float> weight, std::int64_t in, std::int64_t out);
  ~Linear();
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;

  std::int64_t in() const;
  std::int64_t out() const;

  // y [rows, out] = epilogue(x [rows, in] W^T). x and y may not overlap.
  void apply(const float* x, std::int64_t rows, float* y, Scratch& scratch, const Epilogue& epilogue = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same with x and weights in bfloat16; sums and y are float32. By oneDNN where the machine has bf16
// (has_fast_bfloat16), elsewhere by Linear from the same rounded numbers.
class Bfloat16Linear {
 public:
  // Rounds the weights.
  Bfloat16Linear(std::span<const float> weight, std::int64_t in, std::int64_t out);
  ~Bfloat16Linear();
  Bfloat16Linear(Bfloat16Linear&&) noexcept;
  Bfloat16Linear& operator=(Bfloat16Linear&&) noexcept;

  std::int64_t in() const;
  std::int64_t out() const;
  void apply(const BFloat16* x, std::int64_t rows, float* y, Scratch& scratch, const Epilogue& epilogue = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// oneDNN and OpenMP start no threads of their own for calls from this thread.
void use_calling_thread_only();

// "oneDNN 2.6.3 with AVX2", for reports. Throws as forced_instruction_set().
std::string product_library();

}  // namespace hipt::kernels
