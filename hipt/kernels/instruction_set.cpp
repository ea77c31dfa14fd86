#include "hipt/kernels/instruction_set.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "hipt/base/error.h"

namespace hipt::kernels {
namespace {

constexpr const char* kVariable = "HIPT_CPU";

struct InstructionSet {
  std::string_view name;
  std::int64_t simd_targets;  // Highway's
  dnnl::cpu_isa most;         // that oneDNN may use
};

// Best first. Highway's targets of other processors than x86 are all "portable" or chosen by itself.
constexpr InstructionSet kInstructionSets[] = {
    {"avx512", HWY_AVX3 | HWY_AVX3_DL, dnnl::cpu_isa::avx512_core_bf16},
    {"avx2", HWY_AVX2, dnnl::cpu_isa::avx2},
    {"portable", HWY_STATIC_TARGET, dnnl::cpu_isa::sse41},
};

// What the processor has and this file is compiled for, whatever is in force.
std::int64_t targets_of_machine() {
  static const std::int64_t targets = (hwy::SupportedTargets() & HWY_TARGETS) | HWY_STATIC_TARGET;
  return targets;
}

const InstructionSet& required(std::string_view name) {
  const auto found = std::ranges::find(kInstructionSets, name, &InstructionSet::name);
  const bool known = found != std::end(kInstructionSets);
  if (known && (found->simd_targets & targets_of_machine()) != 0) return *found;
  throw Error(known ? ErrorCode::Device : ErrorCode::InvalidArgument,
              fmt::format("{}={}: {} {} (without the variable, the best is taken)", kVariable, name,
                          known ? "this machine lacks it; it has" : "no such instruction set; this machine has",
                          fmt::join(instruction_sets(), " and ")));
}

void put_into_force(const InstructionSet& set) {
#if HWY_ARCH_X86
  if (dnnl::set_max_cpu_isa(set.most) != dnnl::status::success) {
    throw Error(ErrorCode::Internal,
                fmt::format("{}={}: oneDNN was used before it could be told", kVariable, set.name));
  }
#endif
  hwy::DisableTargets(~set.simd_targets);
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const InstructionSet& set : kInstructionSets) {
    if ((set.simd_targets & targets_of_machine()) != 0) names.emplace_back(set.name);
  }
  return names;
}

std::optional<std::string> forced_instruction_set() {
  static const std::optional<std::string> forced = []() -> std::optional<std::string> {
    targets_of_machine();  // before anything below or in simd.cpp hides some
    const char* const name = std::getenv(kVariable);
    if (name == nullptr || *name == '\0') return std::nullopt;
    put_into_force(required(name));
    return name;
  }();
  return forced;
}

void require_instruction_set(std::string_view name) {
  required(name);
}

}  // namespace hipt::kernels
