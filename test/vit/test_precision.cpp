// bf16 and the published model's numbers (oracle folder vit256). Where the machine has no bf16, emulated: the same
// products of the same rounded numbers.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using vit::IfLacking;
using vit::Precision;

namespace {

constexpr std::int64_t kWidth = 384;

struct Gate {
  Precision precision;
  double least_cosine;
};
constexpr Gate kGates[] = {{Precision::Bfloat16, 0.9999}, {Precision::Int8, 0.999}};

// The same function with outliers: in every block a few channels of a norm are many times as large, and the next
// layer's columns smaller by as much.
std::shared_ptr<const vit::Weights> with_outliers(std::shared_ptr<const vit::Weights> plain) {
  auto changed = std::make_shared<vit::Weights>();
  changed->config = plain->config;
  changed->origin = plain->origin;
  changed->file_digest = plain->file_digest;
  for (const auto& [name, array] : plain->tensors) changed->tensors.emplace(name, array.clone());
  const auto scale = [&](const std::string& norm, const std::string& layer, std::size_t first) {
    constexpr float kFactors[] = {100.0f, 30.0f, 10.0f, 3.0f, 0.1f, 50.0f};
    const auto gain = changed->tensors.find(norm + ".weight")->second.as_mutable<float>();
    const auto bias = changed->tensors.find(norm + ".bias")->second.as_mutable<float>();
    const auto weight = changed->tensors.find(layer + ".weight")->second.as_mutable<float>();
    const std::size_t columns = gain.size();
    for (std::size_t i = 0; i < std::size(kFactors); ++i) {
      const std::size_t channel = (first + 61 * i) % columns;
      gain[channel] *= kFactors[i];
      bias[channel] *= kFactors[i];
      for (std::size_t o = 0; o < weight.size(); o += columns) weight[o + channel] /= kFactors[i];
    }
  };
  for (std::int64_t i = 0; i < plain->config.depth; ++i) {
    const std::string block = fmt::format("blocks.{}.", i);
    scale(block + "norm1", block + "attn.qkv", static_cast<std::size_t>(7 * i));
    scale(block + "norm2", block + "mlp.fc1", static_cast<std::size_t>(5 * i + 3));
  }
  return changed;
}

const vit::Engine& engine_of(Precision precision, bool outliers) {
  static std::map<std::pair<Precision, bool>, std::unique_ptr<vit::Engine>> made;
  std::unique_ptr<vit::Engine>& engine = made[{precision, outliers}];
  if (!engine) {
    std::shared_ptr<const vit::Weights> weights = vit::formula_weights(vit::named_config("vit_small"), test::kSalt);
    if (outliers) weights = with_outliers(weights);
    engine = vit::make_cpu_engine(weights, precision, IfLacking::Emulate);
  }
  return *engine;
}

// Smallest over the rows of `width`.
double least_cosine(std::span<const float> actual, std::span<const float> expected, std::size_t width = kWidth) {
  REQUIRE(actual.size() == expected.size());
  double least = 1.0;
  for (std::size_t row = 0; row < actual.size(); row += width) {
    double product = 0.0, left = 0.0, right = 0.0;
    for (std::size_t i = row; i < row + width; ++i) {
      product += double{actual[i]} * double{expected[i]};
      left += double{actual[i]} * double{actual[i]};
      right += double{expected[i]} * double{expected[i]};
    }
    const double cosine = product / std::sqrt(left * right);
    least = cosine >= least ? least : cosine;  // NaN goes through
  }
  return least;
}

void check_cosine(const Gate& gate, bool outliers, const std::string& id, std::span<const float> actual,
                  std::size_t width = kWidth) {
  const Array golden = test::golden_array(test::golden_case(id).at("file").get<std::string>());
  const std::span<const float> expected = golden.as<float>();
  const double cosine = least_cosine(actual, expected, width);
  double worst = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    worst = std::max(worst, std::abs(double{actual[i]} - double{expected[i]}));
  }
  std::printf("%s%s: %s: worst cosine 1 - %.2g (at least %g), worst error %.2g\n",
              std::string(name_of(gate.precision)).c_str(), outliers ? ", outliers" : "", id.c_str(), 1.0 - cosine,
              gate.least_cosine, worst);
  CHECK_MESSAGE(cosine >= gate.least_cosine, id);
}

void check_class_tokens(const Gate& gate, bool outliers) {
  for (const char* name : {"png256", "formula_224x224", "formula_256x384", "formula_512x512", "crop_960_960",
                           "crop_1000_1500", "crop_37_411", "crop_1501_2203", "crop_640_2048", "crop_1964_2711"}) {
    const auto picture = test::oracle_picture("vit256", name);
    if (!picture) continue;
    const RgbView view = picture->view();
    std::vector<float> token(kWidth);
    engine_of(gate.precision, outliers).encode({&view, 1}, token);
    check_cosine(gate, outliers, fmt::format("vit256/cls_{}", name), token);
  }
}

void check_every_output(const Gate& gate, bool outliers) {
  const auto picture = test::oracle_picture("vit256", "png256");
  if (!picture) return;
  const vit::Outputs outputs =
      engine_of(gate.precision, outliers).run(picture->view(), {.tokens = true, .attention = true, .last_blocks = 4});
  check_cosine(gate, outliers, "vit256/cls_png256", outputs.class_token.as<float>());
  check_cosine(gate, outliers, "vit256/tokens_png256", outputs.tokens.as<float>());
  std::vector<float> chosen;  // [block, token, dim]
  const nlohmann::json blocks_case = test::golden_case("vit256/inter4_png256");
  for (const Array& block : outputs.blocks) {
    for (const std::int64_t token : blocks_case.at("params").at("tokens")) {
      const float* row = block.as<float>().data() + token * kWidth;
      chosen.insert(chosen.end(), row, row + kWidth);
    }
  }
  check_cosine(gate, outliers, "vit256/inter4_png256", chosen);
  const std::int64_t tokens = outputs.attention.dim(1);
  std::vector<float> class_rows;  // [head, token]
  for (std::int64_t head = 0; head < outputs.attention.dim(0); ++head) {
    const float* row = outputs.attention.as<float>().data() + head * tokens * tokens;
    class_rows.insert(class_rows.end(), row, row + tokens);
  }
  check_cosine(gate, outliers, "vit256/attn_cls_png256", class_rows, static_cast<std::size_t>(tokens));
  for (std::int64_t row = 0; row < outputs.attention.dim(0) * tokens; ++row) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < tokens; ++i)
      sum += outputs.attention.as<float>()[static_cast<std::size_t>(row * tokens + i)];
    CHECK(std::abs(sum - 1.0) <= 1e-5);
  }
}

}  // namespace

TEST_CASE("precisions: class tokens: vit256/cls_X") {
  for (const Gate& gate : kGates) check_class_tokens(gate, false);
}

TEST_CASE("precisions: tokens and blocks and attention: vit256/tokens_png256 and inter4_png256 and attn_cls_png256") {
  for (const Gate& gate : kGates) check_every_output(gate, false);
}

TEST_CASE("precisions: outlier channels that leave the function as it is: vit256/X") {
  for (const Gate& gate : kGates) {
    check_class_tokens(gate, true);
    check_every_output(gate, true);
  }
}

TEST_CASE("precisions: a picture's result depends on no neighbour and encode equals run") {
  const auto a = test::oracle_picture("vit256", "formula_224x224");
  const auto b = test::oracle_picture("vit256", "formula_256x384");
  for (const Gate& gate : kGates) {
    const vit::Engine& engine = engine_of(gate.precision, false);
    const RgbView alone[] = {a->view()}, both[] = {b->view(), a->view()};
    std::vector<float> first(kWidth), second(2 * kWidth);
    engine.encode(alone, first);
    engine.encode(both, second);
    CHECK(std::memcmp(first.data(), second.data() + kWidth, kWidth * sizeof(float)) == 0);
    const vit::Outputs outputs = engine.run(a->view(), {});
    CHECK(least_cosine(outputs.class_token.as<float>(), first) >= gate.least_cosine);
  }
}

TEST_CASE("precisions: one without instructions is refused with the remedy") {
  const auto weights = vit::formula_weights(test::tiny_config(vit::TokenSource::Pixels), "x");
  CHECK(vit::has_instructions(Precision::Float32));
  for (const Gate& gate : kGates) {
    if (vit::has_instructions(gate.precision)) {
      CHECK(vit::make_cpu_engine(weights, gate.precision) != nullptr);
      continue;
    }
    std::string message;
    CHECK(test::error_of([&] { vit::make_cpu_engine(weights, gate.precision); }, &message) == ErrorCode::Device);
    CHECK_MESSAGE(message.find("use --precision f32") != std::string::npos, message);
    CHECK_MESSAGE(message.find(vit::instructions_of(gate.precision)) != std::string::npos, message);
  }
}
