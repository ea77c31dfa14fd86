#include <algorithm>

#include <doctest/doctest.h>

#include "hipt/base/sha256.h"
#include "hipt/io/safetensors.h"
#include "hipt/io/torch_file.h"
#include "hipt/resnet/architecture.h"
#include "hipt/resnet/weights.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

using NamedTensors = std::vector<std::pair<std::string, const Array*>>;

NamedTensors named(const resnet::Weights& weights, const std::string& prefix) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : weights.tensors) tensors.emplace_back(prefix + name, &tensor);
  return tensors;
}

bool same(const resnet::Weights& a, const resnet::Weights& b) {
  return std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
    return x.first == y.first && std::ranges::equal(x.second.template as<float>(), y.second.template as<float>());
  });
}

}  // namespace

TEST_CASE("resnet parameters are those of torchvision's state dict up to layer3") {
  // torchvision documents 25557032 parameters for resnet50; layer4 has 14964736 of them and fc 2049000. The batch norms
  // up to layer3 have 15296 channels, each with a running mean and variance.
  const io::ParameterShapes shapes = resnet::parameter_shapes();
  std::int64_t numbers = 0;
  for (const auto& [name, shape] : shapes) numbers += element_count(shape);
  CHECK(shapes.size() == 215);
  CHECK(numbers == 25557032 - 14964736 - 2049000 + 2 * 15296);
  const auto has = [&](const std::string& name, const Shape& shape) {
    return std::ranges::find(shapes, std::pair{name, shape}) != shapes.end();
  };
  CHECK(has("conv1.weight", {64, 3, 7, 7}));
  CHECK(has("layer1.0.downsample.0.weight", {256, 64, 1, 1}));
  CHECK(has("layer2.0.conv2.weight", {128, 128, 3, 3}));
  CHECK(has("layer3.5.bn3.running_var", {1024}));
}

TEST_CASE("resnet weights are read with the names of torchvision and of its wrappers") {
  const test::TemporaryFolder folder;
  const auto expected = resnet::weights_from("random:gold1");
  CHECK(expected->sha256() == sha256_hex("random:gold1"));
  const Array other = Array::of<float>({4});
  const Array counter = Array::of<std::int64_t>({});
  for (const std::string prefix : {"", "module.", "model.", "module.model."}) {
    CAPTURE(prefix);
    NamedTensors tensors = named(*expected, prefix);
    tensors.emplace_back(prefix + "layer4.0.conv1.weight", &other);
    tensors.emplace_back(prefix + "fc.bias", &other);
    tensors.emplace_back(prefix + "bn1.num_batches_tracked", &counter);
    io::write_torch_tensors(folder / "w.pth", tensors);
    CHECK(same(*resnet::weights_from((folder / "w.pth").string()), *expected));
    CHECK(resnet::holds_resnet50(folder / "w.pth"));
  }
  io::write_safetensors(folder / "w.safetensors", named(*expected, ""), {});
  const auto weights = resnet::weights_from((folder / "w.safetensors").string());
  CHECK(same(*weights, *expected));
  CHECK(weights->origin == "w.safetensors");
  CHECK(weights->sha256() == sha256_hex(test::read_text(folder / "w.safetensors")));
}

TEST_CASE("resnet weights that do not fit are all listed in one error") {
  const test::TemporaryFolder folder;
  const auto good = resnet::weights_from("random:gold1");
  const Array wrong = Array::of<float>({64, 3, 3, 3});
  NamedTensors tensors;
  for (const auto& [name, tensor] : named(*good, "")) {
    if (name != "layer2.3.bn2.running_mean") tensors.emplace_back(name, name == "conv1.weight" ? &wrong : tensor);
  }
  tensors.emplace_back("head.weight", &wrong);
  io::write_torch_tensors(folder / "w.pth", tensors);
  std::string message;
  CHECK(error_of([&] { resnet::load_weights(folder / "w.pth"); }, &message) == ErrorCode::InvalidArgument);
  for (const char* const text : {"w.pth", "missing layer2.3.bn2.running_mean [128]",
                                 "conv1.weight is [64, 3, 3, 3] instead of [64, 3, 7, 7]", "extra head.weight"}) {
    CHECK(message.find(text) != std::string::npos);
  }
  CHECK_FALSE(resnet::holds_resnet50(folder / "w.pth"));
  CHECK(error_of([&] { resnet::load_weights(folder / "absent.pth"); }) == ErrorCode::NotFound);
}
