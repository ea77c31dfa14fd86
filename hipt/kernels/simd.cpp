#include "hipt/kernels/simd.h"

#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>

#include "hipt/base/error.h"

namespace hipt::kernels {

std::string simd_target() {
  return simd_targets().front();
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  // Highway numbers better targets lower.
  for (std::uint64_t bits = static_cast<std::uint64_t>(hwy::SupportedTargets()) & HWY_TARGETS; bits != 0;
       bits &= bits - 1) {
    names.emplace_back(hwy::TargetName(static_cast<std::int64_t>(bits & (~bits + 1))));
  }
  return names;
}

void use_simd_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  std::int64_t chosen = 0;
  if (!name.empty()) {
    for (std::uint64_t bits = static_cast<std::uint64_t>(hwy::SupportedTargets()) & HWY_TARGETS; bits != 0;
         bits &= bits - 1) {
      const auto target = static_cast<std::int64_t>(bits & (~bits + 1));
      if (name == hwy::TargetName(target)) chosen = target;
    }
    if (chosen == 0) {
      throw Error(ErrorCode::NotFound,
                  fmt::format("instruction set {}: this machine has {}", name, fmt::join(simd_targets(), ", ")));
    }
    hwy::SetSupportedTargetsForTest(chosen);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace hipt::kernels
