#include "hipt/kernels/matmul.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "hipt/kernels/onednn_product_internal.h"

namespace hipt::kernels {
namespace {

std::string_view product_instructions() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2 and VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512 and VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512, VNNI and bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX-512, VNNI, bf16 and AMX";
    default:
      return "other instructions";
  }
}

}  // namespace

struct Linear::State {
  OnednnProduct product;
};

Linear::Linear(std::span<const float> weight, std::int64_t in, std::int64_t out)
    : state_(new State{OnednnProduct(weight, in, out, Memory::data_type::f32)}) {}

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

std::int64_t Linear::in() const {
  return state_->product.in();
}
std::int64_t Linear::out() const {
  return state_->product.out();
}

void Linear::apply(const float* x, std::int64_t rows, float* y, Scratch& scratch, const Epilogue& epilogue) const {
  state_->product.run(x, rows, y, epilogue, scratch);
}

struct Bfloat16Linear::State {
  bool fast;
  OnednnProduct product;  // bf16, or f32 of rounded weights
};

Bfloat16Linear::Bfloat16Linear(std::span<const float> weight, std::int64_t in, std::int64_t out) {
  if (has_fast_bfloat16()) {
    state_.reset(new State{true, OnednnProduct(weight, in, out, Memory::data_type::bf16)});
    return;
  }
  std::vector<float> rounded(weight.size());
  std::ranges::transform(weight, rounded.begin(), [](float value) { return to_float(to_bfloat16(value)); });
  state_.reset(new State{false, OnednnProduct(rounded, in, out, Memory::data_type::f32)});
}

Bfloat16Linear::~Bfloat16Linear() = default;
Bfloat16Linear::Bfloat16Linear(Bfloat16Linear&&) noexcept = default;
Bfloat16Linear& Bfloat16Linear::operator=(Bfloat16Linear&&) noexcept = default;

std::int64_t Bfloat16Linear::in() const {
  return state_->product.in();
}
std::int64_t Bfloat16Linear::out() const {
  return state_->product.out();
}

void Bfloat16Linear::apply(const BFloat16* x, std::int64_t rows, float* y, Scratch& scratch,
                           const Epilogue& epilogue) const {
  if (state_->fast) return state_->product.run(x, rows, y, epilogue, scratch);
  std::vector<float> widened(static_cast<std::size_t>(rows * in()));
  std::transform(x, x + widened.size(), widened.begin(), to_float);
  state_->product.run(widened.data(), rows, y, epilogue, scratch);
}

void use_calling_thread_only() {
  omp_set_num_threads(1);
}

std::string product_library() {
  forced_instruction_set();
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{} with {}", version->major, version->minor, version->patch, product_instructions());
}

}  // namespace hipt::kernels
