#include <algorithm>

#include <doctest/doctest.h>

#include "hipt/base/error.h"
#include "hipt/kernels/simd.h"

#include "test/support/support.h"

using namespace hipt;

TEST_CASE("an instruction set is chosen by name and given back") {
  const std::vector<std::string> targets = kernels::simd_targets();
  REQUIRE_FALSE(targets.empty());
  const std::string best = kernels::simd_target();
  CHECK(best == targets.front());
  kernels::use_simd_target(targets.back());
  CHECK(kernels::simd_target() == targets.back());
  kernels::use_simd_target("");
  CHECK(kernels::simd_target() == best);
}

TEST_CASE("an unknown instruction set is an error that names those there are") {
  std::string message;
  CHECK(test::error_of([] { kernels::use_simd_target("MMX"); }, &message) == ErrorCode::NotFound);
  CHECK(message.find(kernels::simd_targets().back()) != std::string::npos);
}
