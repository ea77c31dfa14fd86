#pragma once
// A product of oneDNN's with weights laid out once, behind Linear and Bfloat16Linear. Internal to hipt/kernels.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>

#include "hipt/kernels/matmul.h"
#include "hipt/kernels/onednn_internal.h"
#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

class OnednnProduct {
 public:
  // Of inputs and weights of `type`, f32 or bf16; sums and results are float32. weight [out, in], which bf16 rounds.
  // Throws Device when bf16 is not what this machine's instructions multiply.
  OnednnProduct(std::span<const float> weight, std::int64_t in, std::int64_t out, Memory::data_type type);

  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }

  // y [rows, out] = epilogue(x [rows, in] W^T), x of the type.
  void run(const void* x, std::int64_t rows, float* y, const Epilogue& epilogue, Scratch& scratch);

 private:
  struct Plan {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };
  using PlanKey = std::tuple<std::int64_t, bool, bool, bool>;  // rows; bias, add and relu of the epilogue

  dnnl::matmul::primitive_desc describe(std::int64_t rows, const Epilogue& epilogue, const Memory::desc& weights) const;
  void pack(std::span<const float> values);
  std::shared_ptr<const Plan> plan(std::int64_t rows, const Epilogue& epilogue);

  std::int64_t in_;
  std::int64_t out_;
  Memory::data_type type_;
  Memory::desc weight_layout_;
  Memory weight_;
  std::mutex mutex_;
  std::map<PlanKey, std::shared_ptr<const Plan>> plans_;
};

}  // namespace hipt::kernels
