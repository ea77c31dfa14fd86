#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/io/torch_file.h"
#include "hipt/io/zip_writer.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

void write_tensor(const std::filesystem::path& file, const Array& array, std::size_t piece = 1000,
                  const std::vector<std::pair<std::string, std::string>>& records = {}) {
  io::TorchTensorWriter writer(file, array.dtype(), array.shape(), records);
  std::span<const std::byte> left(array.bytes(), array.byte_size());
  while (!left.empty()) {
    const std::size_t count = std::min(piece, left.size());
    writer.append(left.first(count));
    left = left.subspan(count);
  }
  writer.close();
}

bool same(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.bytes(), a.bytes() + a.byte_size(), b.bytes());
}

Array small_integers(DType dtype, const Shape& shape) {
  Array array(dtype, shape);
  const std::size_t size = size_of(dtype);
  for (std::size_t i = 0; i < array.size(); ++i) array.mutable_bytes()[i * size] = std::byte(i % 2);
  return array;
}

}  // namespace

TEST_CASE("torch writer makes the pickle of torch itself: oracle clam/layout features.pt") {
  const test::TemporaryFolder folder;
  const std::string by_torch = test::read_text(test::golden("clam/layout/features.pt"));
  const io::TorchValue features = io::read_torch_file(test::golden("clam/layout/features.pt"));
  write_tensor(folder / "features.pt", *features.tensor());
  const auto pickle = io::read_torch_record(folder / "features.pt", "data.pkl");
  REQUIRE(pickle.has_value());
  CHECK(*pickle == io::read_torch_record(test::golden("clam/layout/features.pt"), "data.pkl"));
  CHECK(same(*io::read_torch_file(folder / "features.pt").tensor(), *features.tensor()));
}

TEST_CASE("torch writer keeps a state dict in its order: test/cases/torch bare.pth") {
  const test::TemporaryFolder folder;
  const io::TorchValue bare = io::read_torch_file(test::source_dir() / "test/cases/torch/bare.pth");
  std::vector<std::pair<std::string, const Array*>> tensors;
  for (const auto& [key, value] : *bare.dict()) tensors.emplace_back(std::get<std::string>(key.value), value.tensor());
  io::write_torch_tensors(folder / "bare.pth", tensors);
  const io::TorchValue back = io::read_torch_file(folder / "bare.pth");
  REQUIRE(back.dict()->size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CHECK(std::get<std::string>((*back.dict())[i].first.value) == tensors[i].first);
    CHECK(same(*(*back.dict())[i].second.tensor(), *tensors[i].second));
  }
}

TEST_CASE("torch writer keeps every dtype and shape") {
  const test::TemporaryFolder folder;
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Bool, DType::UInt8,
                            DType::Int8, DType::Int16, DType::Int32, DType::Int64}) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{0, 384}, Shape{300, 256}, Shape{2, 3, 4, 5}}) {
      const Array array = small_integers(dtype, shape);
      write_tensor(folder / "x.pt", array, 77);
      CAPTURE(to_string(dtype));
      CAPTURE(to_string(shape));
      CHECK(same(*io::read_torch_file(folder / "x.pt").tensor(), array));
    }
  }
}

TEST_CASE("torch writer's bytes depend on neither the file name nor the pieces") {
  const test::TemporaryFolder folder;
  const Array array = formula_uniform("gold1", "x", {40, 30}, 0, 1);
  write_tensor(folder / "a.pt", array, 1);
  write_tensor(folder / "another.pt", array, 100000);
  CHECK(test::read_text(folder / "a.pt") == test::read_text(folder / "another.pt"));
}

TEST_CASE("torch writer aligns records to 64 bytes") {
  const test::TemporaryFolder folder;
  const Array array = formula_uniform("gold1", "x", {5}, 0, 1);
  const std::string name(37, 'n');
  io::write_torch_tensors(folder / "x.pt", {{"a", &array}, {name, &array}}, {{"hipt.json", "{}"}});
  const std::string file = test::read_text(folder / "x.pt");
  const std::string_view data(reinterpret_cast<const char*>(array.bytes()), array.byte_size());
  const std::size_t first = file.find(data);
  CHECK(first % 64 == 0);
  CHECK(file.find(data, first + 1) % 64 == 0);
}

TEST_CASE("torch files carry further records") {
  const test::TemporaryFolder folder;
  const Array array = formula_uniform("gold1", "x", {3}, 0, 1);
  write_tensor(folder / "x.pt", array, 1000, {{"hipt.json", "{\"model\":\"vit256\"}"}});
  CHECK(io::read_torch_record(folder / "x.pt", "hipt.json") == "{\"model\":\"vit256\"}");
  CHECK_FALSE(io::read_torch_record(folder / "x.pt", "absent").has_value());
  CHECK_FALSE(io::read_torch_record(test::source_dir() / "test/cases/torch/views_legacy.pt", "hipt.json").has_value());
  CHECK(same(*io::read_torch_file(folder / "x.pt").tensor(), array));
}

TEST_CASE("torch writer refuses more and fewer elements than the shape says") {
  const test::TemporaryFolder folder;
  io::TorchTensorWriter writer(folder / "x.pt", DType::Float32, {2});
  const std::vector<std::byte> bytes(12);
  writer.append(std::span(bytes).first(4));
  CHECK(error_of([&] { writer.close(); }) == ErrorCode::Internal);
  CHECK(error_of([&] { writer.append(std::span(bytes).first(8)); }) == ErrorCode::Internal);
  CHECK(error_of([&] { io::TorchTensorWriter other(folder / "no/folder.pt", DType::Float32, {2}); }) == ErrorCode::Io);
}

TEST_CASE("torch archives in the 64-bit form of zip are read") {
  const test::TemporaryFolder folder;
  const Array array = formula_uniform("gold1", "x", {300}, 0, 1);
  write_tensor(folder / "x.pt", array);
  io::ZipWriter zip(folder / "zip64.pt", 500);  // as if four gigabytes were 500 bytes
  for (const char* const name : {"data.pkl", "byteorder", "data/0", "version"}) {
    zip.add(fmt::format("archive/{}", name), *io::read_torch_record(folder / "x.pt", name));
  }
  zip.close();
  CHECK(same(*io::read_torch_file(folder / "zip64.pt").tensor(), array));
}
