#include "hipt/vit/precision.h"

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/kernels/bfloat16.h"
#include "hipt/kernels/instruction_set.h"
#include "hipt/kernels/int8_linear.h"

namespace hipt::vit {

bool has_instructions(Precision precision) {
  switch (precision) {
    case Precision::Bfloat16:
      return kernels::has_fast_bfloat16();
    case Precision::Int8:
      return kernels::has_fast_bfloat16() && kernels::has_fast_int8();
    case Precision::Float32:
      break;
  }
  return true;
}

std::string_view instructions_of(Precision precision) {
  switch (precision) {
    case Precision::Bfloat16:
      return "AVX-512 BF16 or AMX";
    case Precision::Int8:
      return "AVX-512 VNNI and BF16, or AMX";
    case Precision::Float32:
      break;
  }
  return "any";
}

void require_instructions(Precision precision) {
  if (has_instructions(precision)) return;
  const auto forced = kernels::forced_instruction_set();
  throw Error(ErrorCode::Device,
              fmt::format("--precision {}: this machine lacks {}{}; use --precision f32", name_of(precision),
                          instructions_of(precision),
                          forced ? fmt::format(", or HIPT_CPU={} forbids it", *forced) : std::string()));
}

}  // namespace hipt::vit
