#include "test/kernels/kernel_support.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/kernels/simd.h"

namespace hipt::test {
namespace {

constexpr std::size_t kGuard = 64;  // floats before and behind
constexpr float kUntouched = -1234.5f;

}  // namespace

void for_each_simd_target(const std::function<void(const std::string&)>& body) {
  for (const std::string& target : kernels::simd_targets()) {
    CAPTURE(target);
    kernels::use_simd_target(target);
    body(target);
    kernels::use_simd_target("");
  }
}

GuardedFloats::GuardedFloats(std::size_t count, std::size_t offset)
    : count_(count),
      offset_(offset),
      buffer_(Array::of<float>({static_cast<std::int64_t>(count + offset + 2 * kGuard)})) {
  std::ranges::fill(buffer_.as_mutable<float>(), kUntouched);
}

GuardedFloats::GuardedFloats(std::string_view name, std::size_t count, std::size_t offset, double scale)
    : GuardedFloats(count, offset) {
  const Array values = formula_uniform("kernels", name, {static_cast<std::int64_t>(count)}, 0.0, scale);
  std::ranges::copy(values.as<float>(), span().begin());
}

std::span<float> GuardedFloats::span() {
  return buffer_.as_mutable<float>().subspan(kGuard + offset_, count_);
}
std::span<const float> GuardedFloats::span() const {
  return buffer_.as<float>().subspan(kGuard + offset_, count_);
}

bool GuardedFloats::ends_untouched() const {
  const std::span<const float> all = buffer_.as<float>();
  const auto untouched = [](float value) { return value == kUntouched; };
  return std::ranges::all_of(all.first(kGuard + offset_), untouched) &&
         std::ranges::all_of(all.subspan(kGuard + offset_ + count_), untouched);
}

double worst_error(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double worst = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(double{actual[i]} - double{expected[i]});
    if (!std::isfinite(error)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, error);
  }
  return worst;
}

void Worst::add(double candidate, const std::string& place) {
  if (candidate < error && !where.empty()) return;
  error = candidate;
  where = place;
}

void check_worst(std::string_view what, const Worst& worst, double tolerance) {
  const std::string line =
      fmt::format("{}: worst error {:.3g} at {} (tolerance {:.3g})", what, worst.error, worst.where, tolerance);
  std::cout << line << std::endl;
  CHECK_MESSAGE(worst.error <= tolerance, line);
}

}  // namespace hipt::test
