// What this machine can do at most: multiply-adds from registers for float32, oneDNN's products for bf16 and int8.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
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

using Type = dnnl::memory::data_type;

struct ProductTypes {
  Type left, right, result;
};

// Of products in this precision, where the processor has instructions for them. (oneDNN computes int8 without them
// too.)
std::optional<ProductTypes> types_of(std::string_view precision) {
  const CpuFeatures features = cpu_features();
  if (precision == "bf16" && (features.avx512_bf16 || features.amx))
    return ProductTypes{Type::bf16, Type::bf16, Type::bf16};
  if (precision == "int8" && features.avx512_vnni) return ProductTypes{Type::u8, Type::s8, Type::s32};
  return std::nullopt;
}

// A product whose matrices fit the second-level cache.
class CachedProduct {
 public:
  explicit CachedProduct(const ProductTypes& types)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        plan_(dnnl::matmul::desc(side(types.left, Tag::ab), side(types.right, Tag::any), side(types.result, Tag::ab)),
              engine_),
        product_(plan_),
        a_(plan_.src_desc(), engine_),
        b_(plan_.weights_desc(), engine_),
        c_(plan_.dst_desc(), engine_) {
    for (const dnnl::memory& memory : {a_, b_}) {
      std::fill_n(static_cast<std::byte*>(memory.get_data_handle()), memory.get_desc().get_size(), std::byte{0});
    }
  }

  double operations() const { return 2.0 * kSide * kSide * kSide; }

  void run() {
    product_.execute(stream_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream_.wait();
  }

 private:
  using Tag = dnnl::memory::format_tag;
  static constexpr std::int64_t kSide = 384;

  static dnnl::memory::desc side(Type type, Tag tag) { return {{kSide, kSide}, type, tag}; }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul::primitive_desc plan_;
  dnnl::matmul product_;
  dnnl::memory a_, b_, c_;
};

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

std::optional<double> product_peak(std::string_view precision, std::size_t threads) {
  const std::optional<ProductTypes> types = types_of(precision);
  if (!types) return std::nullopt;
  constexpr int kProducts = 200;
  double operations = 0.0;
  const double seconds = seconds_on_threads(threads, [&](std::size_t thread) {
    kernels::use_calling_thread_only();
    CachedProduct product(*types);
    for (int i = 0; i < kProducts; ++i) product.run();
    if (thread == 0) operations = product.operations() * kProducts;
  });
  return operations * static_cast<double>(threads) / seconds;
}

double peak_of(std::string_view precision, std::size_t threads) {
  if (precision == "f32") return float_peak(threads);
  return product_peak(precision, threads).value_or(std::numeric_limits<double>::quiet_NaN());
}

void bench_peak() {
  const std::size_t cores = usable_cores();
  fmt::print("Machine: {}, {} cores usable; {}; kernels on {}\n", cpu_features().model, cores,
             kernels::product_library(), kernels::simd_target());
  fmt::print("\nPeak (10^9 operations/s)\n{:<34}{:>12}{:>14}\n", "", "1 thread", fmt::format("{} threads", cores));
  for (const std::string& target : kernels::simd_targets()) {
    if (is_emulated(target)) continue;
    kernels::use_simd_target(target);
    const double one = median_of(kRounds, [] { return float_peak(1); });
    print_row(fmt::format("f32, {}", target), one, median_of(kRounds, [&] { return float_peak(cores); }));
  }
  kernels::use_simd_target("");
  for (const std::string_view precision : {"bf16", "int8"}) {
    if (!types_of(precision)) {
      fmt::print("{}: no instructions on this machine\n", precision);
      continue;
    }
    const auto peak = [&](std::size_t threads) {
      return median_of(kRounds, [&] { return *product_peak(precision, threads); });
    };
    print_row(fmt::format("{}, oneDNN", precision), peak(1), peak(cores));
  }
}

}  // namespace hipt::bench
