#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/attention.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using kernels::AttentionSizes;
using kernels::HeadRows;
using test::GuardedFloats;

namespace {

struct Case {
  std::int64_t queries;
  std::int64_t keys;
  AttentionSizes sizes;
  bool biased = true;
};

// q, k and v side by side in rows of one buffer, as a qkv product leaves them, at an odd address.
struct Inputs {
  std::int64_t dim;
  GuardedFloats qkv;
  GuardedFloats bias;
  HeadRows q, k, v;

  explicit Inputs(const Case& c, double scale)
      : dim(c.sizes.heads * c.sizes.head_dim),
        qkv("qkv", static_cast<std::size_t>(std::max(c.queries, c.keys) * 3 * dim), 1, scale),
        bias("bias", static_cast<std::size_t>(3 * dim), 3, 0.5) {
    const auto rows = [&](std::int64_t count, std::int64_t part) {
      return HeadRows{qkv.data() + part * dim, count, 3 * dim, c.biased ? bias.data() + part * dim : nullptr};
    };
    q = rows(c.queries, 0), k = rows(c.keys, 1), v = rows(c.keys, 2);
  }
};

void check_case(const Case& c, double scale, const std::string& target, test::Worst& worst) {
  const Inputs in(c, scale);
  const auto out_size = static_cast<std::size_t>(c.queries * in.dim);
  const auto weight_size = static_cast<std::size_t>(c.sizes.heads * c.queries * c.keys);
  std::vector<float> expected(out_size), expected_weights(weight_size);
  kernels::attention_reference(in.q, in.k, in.v, c.sizes, expected.data(), expected_weights.data());
  GuardedFloats out(out_size, 1), weights(weight_size, 3), without(out_size, 0);
  kernels::Scratch scratch;
  kernels::attention(in.q, in.k, in.v, c.sizes, out.data(), weights.data(), scratch);
  kernels::attention(in.q, in.k, in.v, c.sizes, without.data(), nullptr, scratch);
  const std::string place = fmt::format("{} queries, {} keys, {} heads of {} ({})", c.queries, c.keys, c.sizes.heads,
                                        c.sizes.head_dim, target);
  worst.add(test::worst_error(out.span(), expected), place);
  worst.add(test::worst_error(weights.span(), expected_weights), place + " weights");
  CHECK(test::worst_error(without.span(), out.span()) == 0.0);
  CHECK(out.ends_untouched());
  CHECK(weights.ends_untouched());
  CHECK(without.ends_untouched());
}

}  // namespace

TEST_CASE("attention at every number of tokens around two vectors and the query block") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (std::int64_t tokens = 1; tokens <= 50; ++tokens) check_case({tokens, tokens, {2, 16}}, 1.0, target, worst);
  });
  test::check_worst("attention, numbers of tokens", worst, 2e-6);
}

TEST_CASE("attention at head sizes below and around two vectors") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    for (std::int64_t head_dim = 1; head_dim <= 40; ++head_dim) {
      check_case({7, 7, {3, head_dim}, head_dim % 2 == 0}, 1.0, target, worst);
    }
  });
  test::check_worst("attention, head sizes", worst, 2e-6);
}

TEST_CASE("attention of the published models' shapes") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) {
    check_case({257, 257, {6, 64}}, 2.0, target, worst);  // ViT-256
    check_case({257, 257, {6, 32}}, 2.0, target, worst);  // ViT-4096
    check_case({2, 257, {6, 64}}, 2.0, target, worst);    // the class token alone
    check_case({1, 2, {6, 32}}, 2.0, target, worst);      // a grid of one
  });
  test::check_worst("attention, published shapes", worst, 4e-6);
}

TEST_CASE("attention with scores far apart does not overflow") {
  test::Worst worst;
  test::for_each_simd_target([&](const std::string& target) { check_case({19, 19, {2, 32}}, 30.0, target, worst); });
  test::check_worst("attention, scores in the thousands", worst, 1e-3);
}
