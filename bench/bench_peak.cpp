// What this machine can do at most: multiply-adds from registers for float32, oneDNN's largest products for bfloat16.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "hipt/base/cpu.h"
#include "hipt/base/thread_pool.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/simd.h"

#include "bench/bench.h"
#include "bench/fma_loop.h"

namespace hipt::bench {
namespace {

constexpr double kGiga = 1e9;

// Plain code in place of vector instructions.
bool is_emulated(const std::string& simd_target) {
  return simd_target == "EMU128" || simd_target == "SCALAR";
}

// A bfloat16 product that fits the second-level cache. Nothing when the processor has no such instructions.
class BfloatProduct {
 public:
  static std::optional<BfloatProduct> make() {
    try {
      return BfloatProduct();
    } catch (const dnnl::error&) {
      return std::nullopt;
    }
  }

  double operations() const { return 2.0 * kSide * kSide * kSide; }

  void run() {
    product_.execute(stream_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream_.wait();
  }

 private:
  using Memory = dnnl::memory;
  static constexpr std::int64_t kSide = 384;

  BfloatProduct()
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        plan_(dnnl::matmul::desc(side(Memory::format_tag::ab), side(Memory::format_tag::any),
                                 side(Memory::format_tag::ab)),
              engine_),
        product_(plan_),
        a_(plan_.src_desc(), engine_),
        b_(plan_.weights_desc(), engine_),
        c_(plan_.dst_desc(), engine_) {
    for (const Memory& memory : {a_, b_}) {
      std::fill_n(static_cast<std::byte*>(memory.get_data_handle()), memory.get_desc().get_size(), std::byte{0});
    }
  }

  static Memory::desc side(Memory::format_tag tag) { return {{kSide, kSide}, Memory::data_type::bf16, tag}; }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul::primitive_desc plan_;
  dnnl::matmul product_;
  Memory a_, b_, c_;
};

double bfloat_peak(std::size_t threads) {
  constexpr int kProducts = 200;
  double operations = 0.0;
  const double seconds = seconds_on_threads(threads, [&](std::size_t thread) {
    kernels::use_calling_thread_only();
    std::optional<BfloatProduct> product = BfloatProduct::make();
    for (int i = 0; i < kProducts; ++i) product->run();
    if (thread == 0) operations = product->operations() * kProducts;
  });
  return operations * static_cast<double>(threads) / seconds;
}

void print_row(const std::string& name, double one, double all) {
  fmt::print("{:<34}{:>12.1f}{:>14.1f}\n", name, one / kGiga, all / kGiga);
}

}  // namespace

// Not a number where the kernels have no vector instructions: a loop of their emulation says nothing about the machine.
double float_peak(std::size_t threads) {
  if (is_emulated(kernels::simd_target())) return std::numeric_limits<double>::quiet_NaN();
  constexpr std::int64_t kLoops = 10'000'000;
  std::vector<double> multiply_adds(threads);
  std::vector<float> sinks(threads);
  const double seconds =
      seconds_on_threads(threads, [&](std::size_t i) { multiply_adds[i] = run_fma_loop(kLoops, &sinks[i]); });
  double sum = 0.0;
  for (const double count : multiply_adds) sum += 2.0 * count;
  return sum / seconds;
}

void bench_peak() {
  const std::size_t cores = usable_cores();
  fmt::print("Machine: {}, {} cores usable; {}; kernels on {}\n", cpu_features().model, cores,
             kernels::product_library(), kernels::simd_target());
  fmt::print("\nPeak (GFLOP/s)\n{:<34}{:>12}{:>14}\n", "", "1 thread", fmt::format("{} threads", cores));
  for (const std::string& target : kernels::simd_targets()) {
    if (is_emulated(target)) continue;
    kernels::use_simd_target(target);
    const double one = median_of(kRounds, [] { return float_peak(1); });
    print_row(fmt::format("f32, {}", target), one, median_of(kRounds, [&] { return float_peak(cores); }));
  }
  kernels::use_simd_target("");
  if (BfloatProduct::make()) {
    const double one = median_of(kRounds, [] { return bfloat_peak(1); });
    print_row("bf16, oneDNN", one, median_of(kRounds, [&] { return bfloat_peak(cores); }));
  } else {
    fmt::print("bf16: not on this machine\n");
  }
}

}  // namespace hipt::bench
