#include <algorithm>

#include <doctest/doctest.h>

#include "hipt/base/sha256.h"
#include "hipt/io/torch_file.h"
#include "hipt/vit/checkpoint.h"
#include "hipt/vit/weights.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

std::filesystem::path fixture(std::string_view name) {
  return test::source_dir() / "test/cases/torch" / name;
}

// The model of test/cases/torch: see make_fixtures.py there.
vit::ViTConfig fixture_config() {
  return vit::config_from_json(
      R"({"name": "tiny", "token_px": 4, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 16, "trained_grid": 2})");
}

bool same_tensors(const vit::Weights& a, const vit::Weights& b) {
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.shape() == y.second.shape() &&
                             std::ranges::equal(x.second.template as<float>(), y.second.template as<float>());
                    });
}

}  // namespace

TEST_CASE("vit weights by formula equal the oracle's check values") {
  // ../shared/oracle/README.md, "Check values"
  const auto weights = vit::formula_weights(vit::named_config("vit_small"), "gold1");
  const auto qkv = weights->at("blocks.0.attn.qkv.weight").as<float>();
  CHECK(qkv[0] == 0x1.4fdb52p-5f);
  CHECK(qkv[2] == 0x1.5ed298p-4f);
  CHECK(qkv.back() == 0x1.5c3938p-7f);
  CHECK(weights->at("norm.weight").as<float>()[0] == 0x1.d2958ep-1f);
  CHECK(weights->at("pos_embed").as<float>()[0] == -0x1.330226p-3f);
  CHECK(weights->at("patch_embed.proj.weight").as<float>()[0] == 0x1.81442p-8f);
  CHECK(weights->origin == "random:gold1");
  CHECK(weights->sha256() == sha256_hex("random:gold1"));
  CHECK(error_of([&] { weights->at("blocks.12.norm1.weight"); }) == ErrorCode::Internal);
}

TEST_CASE("vit weights are read from DINO checkpoints and bare state dicts and safetensors") {
  const auto expected = vit::formula_weights(fixture_config(), "gold1");
  for (const char* const name : {"dino_zip.pth", "dino_legacy.pth", "bare.pth", "bare.safetensors"}) {
    CAPTURE(name);
    const auto weights = vit::weights_from(fixture(name).string(), fixture_config());
    CHECK(same_tensors(*weights, *expected));
    CHECK(weights->origin == name);
    CHECK(weights->sha256() == sha256_hex(test::read_text(fixture(name))));
  }
  CHECK(same_tensors(*vit::weights_from("random:gold1", fixture_config()), *expected));
}

TEST_CASE("vit weights that do not fit are all listed in one error") {
  const test::TemporaryFolder folder;
  const auto good = vit::formula_weights(fixture_config(), "gold1");
  const Array wrong = Array::of<float>({1, 5, 9});
  const Array extra = Array::of<std::int64_t>({});
  std::vector<std::pair<std::string, const Array*>> tensors{{"position_ids", &extra}, {"head.weight", &extra}};
  for (const auto& [name, tensor] : good->tensors) {
    if (name == "norm.bias" || name == "blocks.0.mlp.fc1.weight") continue;
    tensors.emplace_back(name, name == "pos_embed" ? &wrong : &tensor);
  }
  io::write_torch_tensors(folder / "w.pth", tensors);
  std::string message;
  CHECK(error_of([&] { vit::load_weights(folder / "w.pth", fixture_config()); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("w.pth") != std::string::npos);
  CHECK(message.find("missing norm.bias [8]") != std::string::npos);
  CHECK(message.find("missing blocks.0.mlp.fc1.weight [16, 8]") != std::string::npos);
  CHECK(message.find("pos_embed is [1, 5, 9] instead of [1, 5, 8]") != std::string::npos);
  CHECK(message.find("extra position_ids []") != std::string::npos);
  CHECK(message.find("head") == std::string::npos);
}

TEST_CASE("vit weights of another published model are recognised in the error") {
  const test::TemporaryFolder folder;
  const auto region = vit::formula_weights(vit::named_config("vit4k_xs"), "gold1");
  vit::export_safetensors(folder / "w.safetensors", *region);
  std::string message;
  CHECK(error_of([&] { vit::load_weights(folder / "w.safetensors", vit::named_config("vit_small")); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("does not fit the model vit_small, but vit4k_xs") != std::string::npos);
  CHECK(same_tensors(*vit::load_weights(folder / "w.safetensors", vit::named_config("vit4k_xs")), *region));
}

TEST_CASE("vit weights of any float type become float32") {
  const test::TemporaryFolder folder;
  const auto good = vit::formula_weights(fixture_config(), "gold1");
  Array half(DType::BFloat16, {8});
  half.mutable_bytes()[1] = std::byte{0x3f};  // 0x3f00: 0.5
  std::vector<std::pair<std::string, const Array*>> tensors;
  for (const auto& [name, tensor] : good->tensors)
    tensors.emplace_back("module.backbone." + name, name == "norm.bias" ? &half : &tensor);
  io::write_torch_tensors(folder / "w.pth", tensors);
  const auto weights = vit::load_weights(folder / "w.pth", fixture_config());
  CHECK(weights->at("norm.bias").as<float>()[0] == 0.5f);
}

TEST_CASE("vit weights refuse files that hold something else") {
  std::string message;
  CHECK(error_of([&] { vit::load_weights(test::golden("clam/layout/features.pt"), fixture_config()); }, &message) ==
        ErrorCode::Unsupported);
  CHECK(message.find("one tensor instead of a dict") != std::string::npos);
  CHECK(error_of([&] { vit::load_weights(fixture("kinds_zip.pt"), fixture_config()); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("no tensor text: str") != std::string::npos);
  CHECK(error_of([&] { vit::load_weights(fixture("absent.pth"), fixture_config()); }) == ErrorCode::NotFound);
}

TEST_CASE("vit checkpoints are summarised") {
  const vit::CheckpointSummary dino = vit::summarise_checkpoint(fixture("dino_legacy.pth"));
  CHECK(dino.format == "torch legacy");
  CHECK(dino.model.empty());  // the fixtures' model has no name
  const auto has_tensor = [&](std::string_view name, const Shape& shape) {
    return std::any_of(dino.tensors.begin(), dino.tensors.end(),
                       [&](const auto& tensor) { return tensor.name == name && tensor.shape == shape; });
  };
  CHECK(has_tensor("teacher.module.backbone.pos_embed", {1, 5, 8}));
  CHECK(has_tensor("optimizer.state.0.exp_avg", {1, 1, 8}));
  const auto has_other = [&](std::string_view name, std::string_view text) {
    return std::any_of(dino.others.begin(), dino.others.end(),
                       [&](const auto& other) { return other.first == name && other.second == text; });
  };
  CHECK(has_other("epoch", "3"));
  CHECK(has_other("args", "argparse.Namespace"));
  CHECK(has_other("fp16_scaler.scale", "65536"));
  CHECK(vit::summarise_checkpoint(test::golden("clam/layout/features.pt")).tensors.size() == 1);

  const test::TemporaryFolder folder;
  vit::export_safetensors(folder / "w.safetensors", *vit::formula_weights(vit::named_config("vit4k_xs"), "x"));
  const vit::CheckpointSummary exported = vit::summarise_checkpoint(folder / "w.safetensors");
  CHECK(exported.format == "safetensors");
  CHECK(exported.model == "vit4k_xs");
  CHECK(exported.tensors.size() == 78);
}
