#pragma once
// What the processor and the machine offer, for `hipt doctor` and for reports of measurements.

#include <cstdint>
#include <string>

namespace hipt {

struct CpuFeatures {
  std::string model;  // "AMD EPYC 7B13", as the operating system names it
  bool avx2 = false;
  bool avx512 = false;       // F, BW, VL
  bool avx512_bf16 = false;  // bf16 products in hardware
  bool avx512_vnni = false;  // int8 products in hardware
  bool amx = false;          // tiles for bf16 and int8
};
CpuFeatures cpu_features();

std::uint64_t physical_memory_bytes();
// Largest resident size that this process has had.
std::uint64_t peak_resident_bytes();

}  // namespace hipt
