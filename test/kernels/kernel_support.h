#pragma once
// What the kernel tests share: every instruction set of this machine, buffers at odd addresses with guarded ends, worst
// errors.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::test {

// Runs `body(name)` with each instruction set that this machine has, then gives the choice back.
void for_each_simd_target(const std::function<void(const std::string&)>& body);

// Floats that begin `offset` floats after a 64-byte boundary and are followed by values that nobody may touch.
class GuardedFloats {
 public:
  GuardedFloats(std::size_t count, std::size_t offset);
  // Filled by formula, uniform within +-scale.
  GuardedFloats(std::string_view name, std::size_t count, std::size_t offset, double scale);

  std::span<float> span();
  std::span<const float> span() const;
  float* data() { return span().data(); }
  const float* data() const { return span().data(); }
  // Whether the values before and behind are as they were.
  bool ends_untouched() const;

 private:
  std::size_t count_;
  std::size_t offset_;
  Array buffer_;
};

// Largest difference; infinite when one is not finite or the sizes differ.
double worst_error(std::span<const float> actual, std::span<const float> expected);

// Collects worst errors over many sizes; printed once a test.
struct Worst {
  double error = 0.0;
  std::string where;
  void add(double candidate, const std::string& place);
};

// Prints "<what>: worst error <e> at <where> (tolerance <t>)" and fails when it is larger.
void check_worst(std::string_view what, const Worst& worst, double tolerance);

}  // namespace hipt::test
