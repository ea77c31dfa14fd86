#include <algorithm>
#include <iostream>

#include <doctest/doctest.h>

#include "hipt/base/cpu.h"
#include "hipt/base/error.h"
#include "hipt/kernels/instruction_set.h"
#include "hipt/kernels/matmul.h"
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

TEST_CASE("HIPT_CPU takes what this machine has and names it in its errors") {
  const std::vector<std::string> there = kernels::instruction_sets();
  REQUIRE_FALSE(there.empty());
  CHECK(there.back() == "portable");
  for (const std::string name : {"portable", "avx2", "avx512"}) {
    CAPTURE(name);
    if (std::ranges::count(there, name) > 0) {
      kernels::require_instruction_set(name);
      continue;
    }
    std::string message;
    CHECK(test::error_of([&] { kernels::require_instruction_set(name); }, &message) == ErrorCode::Device);
    CHECK(message.starts_with("HIPT_CPU=" + name + ": this machine lacks it; it has " + there.front()));
  }
  for (const std::string name : {"AVX2", "sse", "avx2 ", "0"}) {
    std::string message;
    CHECK(test::error_of([&] { kernels::require_instruction_set(name); }, &message) == ErrorCode::InvalidArgument);
    CHECK(message.starts_with("HIPT_CPU=" + name + ": no such instruction set; this machine has " + there.front()));
  }
}

TEST_CASE("kernels and products run on what HIPT_CPU names and otherwise on the best") {
  const CpuFeatures cpu = cpu_features();
  const std::vector<std::string> there = kernels::instruction_sets();
  CHECK((std::ranges::count(there, "avx512") > 0) == cpu.avx512);
  CHECK((std::ranges::count(there, "avx2") > 0) == cpu.avx2);
  const std::string name = kernels::forced_instruction_set().value_or(there.front());
  const std::string products = kernels::product_library();
  std::cout << name << ": kernels on " << kernels::simd_target() << ", products by " << products << std::endl;
  if (name == "avx512") {
    CHECK(kernels::simd_target().starts_with("AVX3"));
    CHECK(products.find(" AVX-512") != std::string::npos);
  } else if (name == "avx2") {
    CHECK(kernels::simd_target() == "AVX2");
    CHECK(products.find(" AVX2") != std::string::npos);
  } else if (kernels::forced_instruction_set()) {
    CHECK((kernels::simd_targets().size() == 1 && kernels::simd_target() == "EMU128"));
    CHECK(products.ends_with(" SSE4.1"));
  }
}
