// What both engines promise beyond the oracle: options of a configuration, independence of neighbours, errors.

#include <algorithm>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/formula.h"

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using test::EngineKind;
using vit::TokenSource;

namespace {

struct Picture {
  std::vector<std::uint8_t> bytes;
  RgbView view;

  Picture(std::string_view name, int width, int height)
      : bytes(formula_image(test::kSalt, name, height, width)),
        view{bytes.data(), width, height, std::ptrdiff_t{3} * width} {}
};

void check_engines_agree(const std::string& what, const vit::Outputs& cpu, const vit::Outputs& reference) {
  constexpr double kTolerance = 1e-5;
  test::check_close(what + ": class token", cpu.class_token.as<float>(), reference.class_token.as<float>(), kTolerance);
  test::check_close(what + ": tokens", cpu.tokens.as<float>(), reference.tokens.as<float>(), kTolerance);
  test::check_close(what + ": attention", cpu.attention.as<float>(), reference.attention.as<float>(), kTolerance);
  CHECK(cpu.tokens.shape() == reference.tokens.shape());
  CHECK(cpu.attention.shape() == reference.attention.shape());
  REQUIRE(cpu.blocks.size() == reference.blocks.size());
  for (std::size_t i = 0; i < cpu.blocks.size(); ++i) {
    test::check_close(fmt::format("{}: block {}", what, i), cpu.blocks[i].as<float>(), reference.blocks[i].as<float>(),
                      kTolerance);
  }
}

void check_configuration(const std::string& what, const vit::ViTConfig& config) {
  const auto weights = vit::formula_weights(config, "options");
  const auto cpu = test::make_engine(EngineKind::Cpu, weights);
  const auto reference = test::make_engine(EngineKind::Reference, weights);
  const vit::Request everything{.tokens = true, .attention = true, .last_blocks = config.depth};
  std::vector<float> encoded(static_cast<std::size_t>(config.dim)), expected(encoded.size());
  if (config.source == TokenSource::Pixels) {
    const Picture picture("options", static_cast<int>(7 * config.token_px), static_cast<int>(3 * config.token_px));
    check_engines_agree(what, cpu->run(picture.view, everything), reference->run(picture.view, everything));
    cpu->encode({&picture.view, 1}, encoded);
    reference->encode({&picture.view, 1}, expected);
  } else {
    const Array grid = formula_uniform(test::kSalt, "options", {21, config.input_dim}, 0.0, 1.0);
    check_engines_agree(what, cpu->run_grid(grid.as<float>(), 3, 7, everything),
                        reference->run_grid(grid.as<float>(), 3, 7, everything));
    cpu->encode_grid(grid.as<float>(), 3, 7, encoded);
    reference->encode_grid(grid.as<float>(), 3, 7, expected);
  }
  test::check_close(what + ": encode", encoded, expected, 1e-5);
}

}  // namespace

TEST_CASE("cpu equals reference for every option of a configuration") {
  for (const TokenSource source : {TokenSource::Pixels, TokenSource::Features}) {
    const std::string kind = source == TokenSource::Pixels ? "pixels" : "features";
    vit::ViTConfig config = test::tiny_config(source);
    check_configuration(kind + ", plain", config);
    config.register_tokens = 4;
    check_configuration(kind + ", register tokens", config);
    config.layer_scale = true;
    check_configuration(kind + ", layer scale", config);
    config.qkv_bias = false;
    check_configuration(kind + ", no qkv bias", config);
    config.layer_norm_epsilon = 0.1;
    check_configuration(kind + ", large epsilon", config);
    config.mean = {0.485f, 0.456f, 0.406f};
    config.std = {0.229f, 0.224f, 0.225f};
    config.token_px = 14;
    config.depth = 1;
    check_configuration(kind + ", ImageNet normalisation, 14-px tokens, one block", config);
  }
}

TEST_CASE("a picture's result does not depend on the others of the call or on its place or thread") {
  const Picture a("a", 256, 256), b("b", 256, 256), c("c", 128, 272);
  const vit::Engine& engine = test::oracle_engine(EngineKind::Cpu, "vit_small");
  const auto encode = [&](std::vector<RgbView> pictures) {
    std::vector<float> out(pictures.size() * 384);
    engine.encode(pictures, out);
    return out;
  };
  const std::vector<float> alone = encode({a.view});
  const auto equals_alone = [&](const std::vector<float>& out, std::size_t place) {
    return std::memcmp(out.data() + place * 384, alone.data(), 384 * sizeof(float)) == 0;
  };
  CHECK(equals_alone(encode({a.view, b.view, c.view}), 0));
  CHECK(equals_alone(encode({c.view, a.view}), 1));
  CHECK(equals_alone(encode({b.view, c.view, a.view, a.view}), 3));
  std::vector<std::vector<float>> results(3);
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& result : results) {
      threads.emplace_back([&encode, &result, &a, &b] {
        vit::prepare_engine_thread();
        result = encode({b.view, a.view});
      });
    }
  }
  for (const std::vector<float>& result : results) CHECK(equals_alone(result, 1));
}

TEST_CASE("pictures may be views into larger ones") {
  const Picture whole("whole", 40, 60);
  const auto engine =
      test::make_engine(EngineKind::Cpu, vit::formula_weights(test::tiny_config(TokenSource::Pixels), test::kSalt));
  const RgbView view = whole.view.crop(3, 5, 16, 24);
  std::vector<std::uint8_t> copy;
  for (int y = 0; y < view.height; ++y) copy.insert(copy.end(), view.row(y), view.row(y) + 3 * view.width);
  const RgbView packed{copy.data(), 16, 24, 48};
  std::vector<float> of_view(24), of_copy(24);
  engine->encode({&view, 1}, of_view);
  engine->encode({&packed, 1}, of_copy);
  CHECK(of_view == of_copy);
}

TEST_CASE("engines refuse what they cannot take and say what they take") {
  const Picture odd("odd", 30, 16), good("good", 16, 16);
  const std::vector<float> features(6 * 20);
  std::vector<float> out(24);
  for (const EngineKind kind : test::kBothEngines) {
    const auto pixels = test::make_engine(kind, vit::formula_weights(test::tiny_config(TokenSource::Pixels), "x"));
    const auto grid = test::make_engine(kind, vit::formula_weights(test::tiny_config(TokenSource::Features), "x"));
    const auto refused = [](const std::function<void()>& body, std::string_view part) {
      std::string message;
      CHECK(test::error_of(body, &message) == ErrorCode::InvalidArgument);
      CHECK_MESSAGE(message.find(part) != std::string::npos, message);
    };
    refused([&] { pixels->encode({&odd.view, 1}, out); }, "30 x 16 px: tiny takes sides that are multiples of 4 px");
    refused([&] { pixels->run({}, {}); }, "0 x 0");
    refused([&] { pixels->encode({&good.view, 1}, std::span(out).first(23)); }, "23");
    refused([&] { pixels->run(good.view, {.last_blocks = 4}); }, "has 3");
    refused([&] { pixels->encode_grid(features, 2, 3, out); }, "takes pictures");
    refused([&] { grid->encode({&good.view, 1}, out); }, "takes a grid");
    refused([&] { grid->encode_grid(features, 2, 4, out); }, "grid of 2 x 4");
    refused([&] { grid->encode_grid(features, -2, -3, out); }, "grid of -2 x -3");
    refused([&] { grid->run_grid(features, 2, 3, {.last_blocks = -1}); }, "-1");
  }
}
