#include "hipt/kernels/simd.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>

#include "hipt/base/error.h"
#include "hipt/kernels/instruction_set.h"

namespace hipt::kernels {

std::string simd_target() {
  return simd_targets().front();
}

std::vector<std::string> simd_targets() {
  forced_instruction_set();
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void use_simd_target(const std::string& name) {
  forced_instruction_set();
  hwy::SetSupportedTargetsForTest(0);
  if (!name.empty()) {
    const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
    const auto chosen = std::ranges::find(targets, name, hwy::TargetName);
    if (chosen == targets.end()) {
      throw Error(ErrorCode::NotFound,
                  fmt::format("instruction set {}: this machine has {}", name, fmt::join(simd_targets(), ", ")));
    }
    hwy::SetSupportedTargetsForTest(*chosen);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace hipt::kernels
