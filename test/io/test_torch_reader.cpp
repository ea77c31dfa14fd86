#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/io/torch_file.h"

#include "test/io/torch_fixtures.h"

using namespace hipt;
using hipt::io::TorchValue;
using hipt::test::error_of;

namespace {

template <class T>
double element(const Array& array, std::size_t i) {
  return static_cast<double>(array.as<T>()[i]);
}

double value_of(const Array& array, std::size_t i) {
  switch (array.dtype()) {
    case DType::Float64:
      return element<double>(array, i);
    case DType::Bool:
      return element<bool>(array, i);
    case DType::UInt8:
      return element<std::uint8_t>(array, i);
    case DType::Int8:
      return element<std::int8_t>(array, i);
    case DType::Int16:
      return element<std::int16_t>(array, i);
    case DType::Int32:
      return element<std::int32_t>(array, i);
    case DType::Int64:
      return element<std::int64_t>(array, i);
    case DType::Float32:
      return element<float>(array, i);
    case DType::Float16:
    case DType::BFloat16:
      break;
  }
  return array.to_float32().as<float>()[i];
}

// The value at "optimizer/state/0/exp_avg"; null when there is none.
const TorchValue* at_path(const TorchValue* value, std::string_view path) {
  while (value != nullptr && !path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    const TorchValue* next = value->find(part);
    if (const io::TorchDict* dict = value->dict(); next == nullptr && dict != nullptr) {
      for (const auto& [key, item] : *dict) {
        const auto* number = std::get_if<std::int64_t>(&key.value);
        if (number != nullptr && std::to_string(*number) == part) next = &item;
      }
    }
    if (const auto* list = std::get_if<io::TorchList>(&value->value)) next = &list->at(std::stoul(std::string(part)));
    value = next;
  }
  return value;
}

// Compares every tensor of the file with what torch.load read; returns how many.
int compare_with_torch(const std::string& name, const nlohmann::json& tensors) {
  const TorchValue file = io::read_torch_file(test::torch_fixture(name));
  int compared = 0;
  for (const auto& [path, expected] : tensors.items()) {
    if (expected.at("dtype") == "uint16") continue;
    CAPTURE(name);
    CAPTURE(path);
    const TorchValue* const value = at_path(&file, path);
    REQUIRE(value != nullptr);
    const Array* const tensor = value->tensor();
    REQUIRE(tensor != nullptr);
    CHECK(to_string(tensor->dtype()) == expected.at("dtype").get<std::string>());
    CHECK(tensor->shape() == expected.at("shape").get<Shape>());
    const auto values = expected.at("first_values").get<std::vector<double>>();
    REQUIRE(values.size() == std::min<std::size_t>(tensor->size(), 24));
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(value_of(*tensor, i) == values[i]);
    ++compared;
  }
  return compared;
}

template <class T>
T scalar(const TorchValue& file, std::string_view path) {
  const TorchValue* const value = at_path(&file, path);
  REQUIRE(value != nullptr);
  REQUIRE(std::holds_alternative<T>(value->value));
  return std::get<T>(value->value);
}

}  // namespace

TEST_CASE("torch files of every format and dtype and stride equal what torch.load reads") {
  const auto expected = nlohmann::json::parse(test::read_text(test::torch_fixture("expected.json")));
  int compared = 0;
  for (const auto& [name, tensors] : expected.items()) compared += compare_with_torch(name, tensors);
  MESSAGE("test/cases/torch: ", expected.size(), " files, ", compared, " tensors, all values equal");
  CHECK(compared > 180);
}

TEST_CASE("torch objects of known kinds are values and others are opaque") {
  for (const char* const name : {"kinds_zip.pt", "kinds_legacy.pt"}) {
    CAPTURE(name);
    const TorchValue file = io::read_torch_file(test::torch_fixture(name));
    CHECK(scalar<std::string>(file, "text") == "Gewebe µm");
    CHECK(scalar<std::int64_t>(file, "negative") == -5);
    CHECK(scalar<std::int64_t>(file, "large") == -(std::int64_t{1} << 40));
    CHECK(scalar<io::TorchOpaque>(file, "big").class_name == "int 0x400000000000000000");
    CHECK(scalar<double>(file, "nested/1/0") == 2.5);
    CHECK(std::holds_alternative<std::monostate>(at_path(&file, "nested/1/1")->value));
    CHECK(scalar<bool>(file, "nested/2"));
    CHECK(scalar<std::int64_t>(file, "nested/3/1") == 3);
    CHECK(scalar<std::int64_t>(file, "default/a") == 1);
    CHECK(scalar<io::TorchOpaque>(file, "complex").class_name == "tensor of torch.ComplexFloatStorage");
    CHECK(scalar<io::TorchOpaque>(file, "some_set").class_name == "__builtin__.set");
    CHECK(scalar<io::TorchOpaque>(file, "device").class_name == "torch.device");
    CHECK(scalar<io::TorchOpaque>(file, "numpy").class_name.find("multiarray.scalar") != std::string::npos);
    CHECK(file.find("absent") == nullptr);
  }
  const TorchValue dino = io::read_torch_file(test::torch_fixture("dino_zip.pth"));
  CHECK(scalar<io::TorchOpaque>(dino, "args").class_name == "argparse.Namespace");
  CHECK(scalar<std::int64_t>(dino, "epoch") == 3);
  const TorchValue untyped = io::read_torch_file(test::torch_fixture("untyped.pt"));
  CHECK(scalar<io::TorchOpaque>(untyped, "uint16").class_name == "tensor of torch.uint16");
}

TEST_CASE("torch reading of one key leaves the rest of the file alone") {
  const std::vector<std::string_view> only{"absent", "teacher"};
  const TorchValue teacher = io::read_torch_file(test::torch_fixture("dino_zip.pth"), only);
  REQUIRE(teacher.find("backbone.cls_token") != nullptr);
  CHECK(teacher.find("optimizer") == nullptr);
  const TorchValue bare =
      io::read_torch_file(test::torch_fixture("bare.pth"), only);  // has none of the keys: all of it
  CHECK(bare.find("cls_token") != nullptr);

  // A byte of the student's data is damaged: only reading the student notices.
  const test::TemporaryFolder folder;
  std::string bytes = test::read_text(test::torch_fixture("dino_zip.pth"));
  const std::size_t record = bytes.find("/data/0");
  REQUIRE(record != std::string::npos);
  bytes[record + 200] ^= 1;
  test::write_text(folder / "damaged.pth", bytes);
  CHECK(io::read_torch_file(folder / "damaged.pth", only).find("backbone.cls_token") != nullptr);
  std::string message;
  CHECK(error_of([&] { io::read_torch_file(folder / "damaged.pth"); }, &message) == ErrorCode::Corrupt);
  CHECK(message.find("CRC") != std::string::npos);
}

TEST_CASE("torch reads the published CLAM and DS-MIL checkpoints") {
  // Values read with torch 2.13: torch.load(file, map_location="cpu").
  const auto clam = test::shared_data("checkpoints/clam-demo-s_0_checkpoint.pt");
  const auto dsmil = test::shared_data("checkpoints/dsmil-c16_aggregator.pth");
  if (!clam || !dsmil) return test::skip("shared data checkpoints is absent");
  const TorchValue legacy = io::read_torch_file(*clam);
  CHECK(legacy.dict()->size() == 15);
  const Array* const attention = legacy.find("attention_net.module.0.weight")->tensor();
  CHECK(attention->shape() == Shape{512, 1024});
  CHECK(attention->as<float>()[0] == 0x1.dad4bep-6f);
  CHECK(attention->as<float>()[attention->size() - 1] == 0x1.d4feb2p-8f);
  const TorchValue zip = io::read_torch_file(*dsmil);
  CHECK(zip.dict()->size() == 8);
  const Array* const weight = zip.find("i_classifier.fc.0.weight")->tensor();
  CHECK(weight->shape() == Shape{1, 512});
  CHECK(weight->as<float>()[0] == 0x1.8086d8p-6f);
  CHECK(weight->as<float>()[511] == -0x1.436154p-6f);
}

TEST_CASE("torch reads the features file of published CLAM: oracle clam/layout features.pt") {
  const TorchValue file = io::read_torch_file(test::golden("clam/layout/features.pt"));
  REQUIRE(file.tensor() != nullptr);
  REQUIRE(file.tensor()->shape() == Shape{50, 1024});
  std::vector<float> expected;
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 1024; ++j) expected.push_back(static_cast<float>((1024 * i + 7 * j) % 997) / 997.0f - 0.5f);
  }
  test::check_close("clam/layout features.pt against its formula", file.tensor()->as<float>(), expected, 6e-8);
}

TEST_CASE("torch reading says what a file is instead") {
  const test::TemporaryFolder folder;
  std::string message;
  CHECK(error_of([&] { io::read_torch_file(folder / "absent.pt"); }) == ErrorCode::NotFound);
  CHECK(error_of([&] { io::read_torch_file(folder.path()); }) == ErrorCode::Io);
  test::write_text(folder / "page.pt", "<!DOCTYPE html>\n<html>");
  CHECK(error_of([&] { io::read_torch_file(folder / "page.pt"); }, &message) == ErrorCode::Corrupt);
  CHECK(message.find("page.pt") != std::string::npos);
  CHECK(message.find("<!DOCTYPE html>") != std::string::npos);
  test::write_text(folder / "empty.pt", "");
  CHECK(error_of([&] { io::read_torch_file(folder / "empty.pt"); }) == ErrorCode::Corrupt);
}
