#pragma once
// The arithmetic of an engine's products. Sums, the residual stream and the statistics of norms and softmax are float32
// in all (decision 12).

#include <span>
#include <string_view>

#include "hipt/base/options.h"

namespace hipt::vit {

enum class Precision { Float32, Bfloat16, Int8 };
inline std::span<const EnumName<Precision>> enum_names(Precision) {
  static constexpr EnumName<Precision> kNames[] = {
      {Precision::Float32, "f32"}, {Precision::Bfloat16, "bf16"}, {Precision::Int8, "int8"}};
  return kNames;
}

// What becomes of a precision that this machine has no instructions for.
enum class IfLacking {
  Refuse,   // Error Device
  Emulate,  // the same numbers but for the order of sums, slower than f32. For tests
};

// Whether this machine has the instructions, as far as HIPT_CPU allows.
bool has_instructions(Precision precision);
// "AVX-512 BF16 or AMX": what has_instructions looks for; "any" for f32.
std::string_view instructions_of(Precision precision);
// Throws Device that names what is missing and the remedy.
void require_instructions(Precision precision);

}  // namespace hipt::vit
