#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

// The check values of the oracle's README, "Check values".
namespace {

double sum_of(const Array& array) {
  const std::span<const float> values = array.as<float>();
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

TEST_CASE("formula: words of gold1 cls_token as in the oracle") {
  CHECK(fnv1a64("") == 0xcbf29ce484222325u);
  CHECK(fnv1a64("gold1:cls_token") == 0x22424f21652d2d32u);
  const FormulaWords words("gold1", "cls_token");
  CHECK(words[0] == 0x0c2b16dba28ca84du);
  CHECK(words[1] == 0xdafff0988a29ca67u);
  CHECK(words[2] == 0x771dbb58eff6f196u);
}

TEST_CASE("formula: weights of gold1 as in the oracle") {
  const Array qkv = formula_weight("gold1", "blocks.0.attn.qkv.weight", {1152, 384});
  CHECK(qkv.as<float>()[0] == 0x1.4fdb52p-5f);
  CHECK(qkv.as<float>()[1] == 0x1.1af4f8p-4f);
  CHECK(qkv.as<float>()[2] == 0x1.5ed298p-4f);
  CHECK(qkv.as<float>().back() == 0x1.5c3938p-7f);
  CHECK(sum_of(qkv) == doctest::Approx(-53.1544883958).epsilon(1e-12));

  const Array gain = formula_weight("gold1", "norm.weight", {384});
  CHECK(gain.as<float>()[0] == 0x1.d2958ep-1f);
  CHECK(sum_of(gain) == doctest::Approx(386.4276440740).epsilon(1e-12));

  const Array bias = formula_weight("gold1", "norm.bias", {384});
  CHECK(bias.as<float>()[0] == 0x1.022f0cp-5f);
  CHECK(sum_of(bias) == doctest::Approx(0.0374182361).epsilon(1e-9));

  const Array positions = formula_weight("gold1", "pos_embed", {1, 197, 384});
  CHECK(positions.as<float>()[0] == -0x1.330226p-3f);
  CHECK(sum_of(positions) == doctest::Approx(32.2126972342).epsilon(1e-11));

  const Array projection = formula_weight("gold1", "patch_embed.proj.weight", {384, 3, 16, 16});
  CHECK(projection.as<float>()[0] == 0x1.81442p-8f);
  CHECK(sum_of(projection) == doctest::Approx(13.9150747955).epsilon(1e-11));
}

TEST_CASE("formula: the rule of a tensor follows from its name") {
  const Array gains = formula_weight("gold1", "last_layer.weight_g", {64, 1});
  for (const float value : gains.as<float>()) CHECK(value == 1.0f);
  const Array variances = formula_weight("gold1", "bn.running_var", {64});
  for (const float value : variances.as<float>()) {
    CHECK(value >= 0.9f);
    CHECK(value <= 1.1f);
  }
  const Array class_token = formula_weight("gold1", "cls_token", {1, 1, 384});
  for (const float value : class_token.as<float>()) CHECK(std::abs(value) <= 0.05f);
  CHECK(error_of([] { formula_weight("gold1", "num_batches_tracked", {}); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("formula: images of gold1 as in the oracle") {
  const std::vector<std::uint8_t> image = formula_image("gold1", "img224", 224, 224);
  REQUIRE(image.size() == 224 * 224 * 3);
  CHECK(std::vector<int>(image.begin(), image.begin() + 6) == std::vector<int>{47, 107, 127, 168, 240, 247});
  CHECK(std::accumulate(image.begin(), image.end(), 0) == 19136399);

  // Pictures of vit256/pixels.json.
  const auto digest = [](std::string_view name, int height, int width) {
    const std::vector<std::uint8_t> bytes = formula_image("gold1", name, height, width);
    return sha256_hex(std::as_bytes(std::span(bytes)));
  };
  CHECK(digest("img224x224", 224, 224) == "868b26094434e9f66bfc93b6a992f03b2df8b1e2874b3638a3f206959afae8d4");
  CHECK(digest("img256x384", 256, 384) == "9e2fe3837a72ca7ab030a2d787e16d62a47cc6f9ea89a8c86da5d90bc3c34d96");
}
