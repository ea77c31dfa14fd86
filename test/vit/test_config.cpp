#include <doctest/doctest.h>

#include "hipt/vit/config.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

std::int64_t parameters(const vit::ViTConfig& config) {
  std::int64_t count = 0;
  for (const auto& [name, shape] : vit::parameter_shapes(config)) count += element_count(shape);
  return count;
}

}  // namespace

TEST_CASE("vit configurations have the published numbers of parameters") {
  // DeiT-tiny, -small and -base without their heads (timm); ViT-4096 by the shapes of the oracle's make_checkpoint.py.
  CHECK(parameters(vit::named_config("vit_tiny")) == 5'524'416);
  CHECK(parameters(vit::named_config("vit_small")) == 21'665'664);
  CHECK(parameters(vit::named_config("vit_base")) == 85'798'656);
  CHECK(parameters(vit::named_config("vit4k_xs")) == 2'781'504);
  std::string message;
  CHECK(error_of([] { vit::named_config("vit_xs"); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("vit4k_xs") != std::string::npos);
}

TEST_CASE("vit configuration by JSON") {
  const vit::ViTConfig small = vit::config_from_json("{}");
  CHECK(vit::parameter_shapes(small) == vit::parameter_shapes(vit::named_config("vit_small")));
  const vit::ViTConfig config = vit::config_from_json(
      R"({"name": "giant", "dim": 1536, "depth": 40, "heads": 24, "mlp_dim": 4096, "token_px": 14, "trained_grid": 16,
          "register_tokens": 4, "layer_scale": true, "qkv_bias": false, "layer_norm_epsilon": 1e-5,
          "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]})");
  CHECK(config.name == "giant");
  CHECK(config.head_dim() == 64);
  CHECK(config.mean[2] == 0.406f);
  const auto shapes = vit::parameter_shapes(config);
  CHECK(shapes[1] == std::pair<std::string, Shape>{"register_tokens", {1, 4, 1536}});
  CHECK(shapes[2] == std::pair<std::string, Shape>{"pos_embed", {1, 257, 1536}});
  CHECK(std::count(shapes.begin(), shapes.end(), std::pair<std::string, Shape>{"blocks.39.ls2.gamma", {1536}}) == 1);
  CHECK(vit::config_from_json(R"({"source": "features", "input_dim": 1024})").source == vit::TokenSource::Features);
}

TEST_CASE("vit configuration errors name the field") {
  const auto message_of = [](std::string_view json) {
    std::string message;
    CHECK(error_of([&] { vit::config_from_json(json); }, &message) == ErrorCode::InvalidArgument);
    return message;
  };
  message_of("[1]");
  message_of("{\"dim\":");
  CHECK(message_of(R"({"dim": 0})").find("dim") != std::string::npos);
  CHECK(message_of(R"({"depth": 1.5})").find("depth") != std::string::npos);
  CHECK(message_of(R"({"depth": 18446744073709551615})").find("depth") != std::string::npos);
  CHECK(message_of(R"({"heads": 7})").find("heads") != std::string::npos);
  CHECK(message_of(R"({"std": [1, 0, 1]})").find("std") != std::string::npos);
  CHECK(message_of(R"({"mean": [1]})").find("mean") != std::string::npos);
  CHECK(message_of(R"({"source": "text"})").find("source") != std::string::npos);
  CHECK(message_of(R"({"source": "features"})").find("input_dim") != std::string::npos);
  CHECK(message_of(R"({"patch_size": 16})").find("patch_size") != std::string::npos);
  CHECK(message_of(R"({"qkv_bias": 1})").find("qkv_bias") != std::string::npos);
  CHECK(message_of(R"({"layer_norm_epsilon": 0})").find("layer_norm_epsilon") != std::string::npos);
}
