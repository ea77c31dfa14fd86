#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/layer_norm.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using test::GuardedFloats;

namespace {

constexpr float kEpsilon = 1e-6f;
constexpr std::size_t kRows = 3;

std::vector<std::size_t> dims() {
  std::vector<std::size_t> result;
  for (std::size_t dim = 1; dim <= 40; ++dim) result.push_back(dim);
  result.insert(result.end(), {63, 64, 65, 192, 384, 768, 1000});
  return result;
}

}  // namespace

TEST_CASE("layer norm at every size around two vectors and odd addresses") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t dim : dims()) {
      for (const std::size_t offset : {0u, 1u, 5u}) {
        const GuardedFloats x("x", kRows * dim, offset, 4.0);
        const GuardedFloats gain("gain", dim, offset + 1, 1.5), bias("bias", dim, offset + 2, 0.5);
        GuardedFloats out(kRows * dim, offset + 3);
        std::vector<float> expected(kRows * dim);
        kernels::layer_norm_reference(x.span(), gain.span(), bias.span(), kEpsilon, expected);
        kernels::layer_norm(x.span(), gain.span(), bias.span(), kEpsilon, out.span());
        worst.add(test::worst_error(out.span(), expected), fmt::format("dim {} + {} ({})", dim, offset, target));
        CHECK(out.ends_untouched());
      }
    }
  });
  test::check_worst("layer norm", worst, 4e-6);
}

TEST_CASE("layer norm in place and of rows far from zero") {
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(target);
    const std::size_t dim = 384;
    GuardedFloats x("x", kRows * dim, 1, 1.0);
    for (float& value : x.span()) value += 100.0f;  // one pass of sums of squares would lose all digits here
    const GuardedFloats gain("gain", dim, 0, 1.0), bias("bias", dim, 0, 1.0);
    std::vector<float> expected(kRows * dim);
    kernels::layer_norm_reference(x.span(), gain.span(), bias.span(), kEpsilon, expected);
    kernels::layer_norm(x.span(), gain.span(), bias.span(), kEpsilon, x.span());
    CHECK(test::worst_error(x.span(), expected) <= 5e-5);
    CHECK(x.ends_untouched());
  });
}

TEST_CASE("layer norm that then adds to its input") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (const std::size_t dim : dims()) {
      GuardedFloats x("x", kRows * dim, 1, 4.0);
      const GuardedFloats gain("gain", dim, 0, 1.5), bias("bias", dim, 3, 0.5), then_add("then", dim, 1, 2.0);
      GuardedFloats out(kRows * dim, 2);
      std::vector<float> expected_x(x.span().begin(), x.span().end()), expected(kRows * dim);
      kernels::layer_norm_then_add_reference(expected_x, gain.span(), bias.span(), kEpsilon, expected, then_add.span());
      kernels::layer_norm_then_add(x.span(), gain.span(), bias.span(), kEpsilon, out.span(), then_add.span());
      worst.add(test::worst_error(out.span(), expected), fmt::format("dim {} ({})", dim, target));
      CHECK(test::worst_error(x.span(), expected_x) == 0.0);
      CHECK(out.ends_untouched());
      CHECK(x.ends_untouched());
    }
  });
  test::check_worst("layer norm, then add", worst, 4e-6);
}
