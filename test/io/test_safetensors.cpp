#include <doctest/doctest.h>

#include "hipt/base/formula.h"
#include "hipt/io/safetensors.h"

#include "test/support/support.h"

using namespace hipt;
using namespace std::string_literals;
using hipt::test::error_of;

namespace {

std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + std::string(header) + std::string(data);
}

bool same(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.bytes(), a.bytes() + a.byte_size(), b.bytes());
}

}  // namespace

TEST_CASE("safetensors of the reference library are read: test/cases/torch small.safetensors") {
  const auto tensors = io::read_safetensors(test::source_dir() / "test/cases/torch/small.safetensors");
  REQUIRE(tensors.size() == 4);
  CHECK(tensors[0].first == "bfloat16");
  CHECK(tensors[0].second.to_float32().as<float>()[1] == -0.5f);
  CHECK(tensors[1].first == "bool");
  CHECK(tensors[1].second.as<bool>()[1]);
  CHECK(tensors[2].first == "float32");
  CHECK(tensors[2].second.shape() == Shape{2, 3});
  CHECK(tensors[2].second.as<float>()[5] == 5.0f);
  CHECK(tensors[3].first == "int64");
  CHECK(tensors[3].second.rank() == 0);
  CHECK(tensors[3].second.as<std::int64_t>()[0] == -7);
}

TEST_CASE("safetensors are written byte for byte as the reference library writes them") {
  const test::TemporaryFolder folder;
  const std::filesystem::path by_library = test::source_dir() / "test/cases/torch/small.safetensors";
  const auto tensors = io::read_safetensors(by_library);
  std::vector<std::pair<std::string, const Array*>> pointers;
  for (const auto& [name, array] : tensors) pointers.emplace_back(name, &array);
  io::write_safetensors(folder / "small.safetensors", pointers, {{"format", "pt"}});
  CHECK(test::read_text(folder / "small.safetensors") == test::read_text(by_library));
}

TEST_CASE("safetensors keep every dtype and shape") {
  const test::TemporaryFolder folder;
  std::vector<std::pair<std::string, Array>> arrays;
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Bool, DType::UInt8,
                            DType::Int8, DType::Int16, DType::Int32, DType::Int64}) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{0, 2}, Shape{2, 5}}) {
      arrays.emplace_back(std::string(to_string(dtype)) + to_string(shape), Array(dtype, shape));
      for (std::size_t i = 0; i < arrays.back().second.byte_size(); ++i) {
        arrays.back().second.mutable_bytes()[i] = std::byte(i % 2);
      }
    }
  }
  std::vector<std::pair<std::string, const Array*>> pointers;
  for (const auto& [name, array] : arrays) pointers.emplace_back(name, &array);
  io::write_safetensors(folder / "x.safetensors", pointers);
  const auto back = io::read_safetensors(folder / "x.safetensors");
  REQUIRE(back.size() == arrays.size());
  for (const auto& [name, array] : arrays) {
    const auto found = std::find_if(back.begin(), back.end(), [&](const auto& entry) { return entry.first == name; });
    REQUIRE(found != back.end());
    CHECK(same(found->second, array));
  }
}

TEST_CASE("safetensors that lie are errors that name the tensor") {
  const test::TemporaryFolder folder;
  std::string message;
  const auto code = [&](std::string_view bytes) {
    test::write_text(folder / "x.safetensors", bytes);
    return error_of([&] { io::read_safetensors(folder / "x.safetensors"); }, &message);
  };
  const auto described = [&](std::string_view description, std::string_view data = "12345678") {
    return code(safetensors_file("{\"w\":" + std::string(description) + "}", data));
  };
  CHECK(code("") == ErrorCode::Corrupt);
  CHECK(code("\xff\xff\xff\xff\xff\xff\xff\xff{}"s) == ErrorCode::Corrupt);
  CHECK(code(safetensors_file("[]", "")) == ErrorCode::Corrupt);
  CHECK(code(safetensors_file("{\"w\":", "")) == ErrorCode::Corrupt);
  CHECK(code(safetensors_file(std::string(100000, '['), "")) == ErrorCode::Corrupt);
  CHECK(described("7") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[2]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}") == ErrorCode::Corrupt);  // a gap before
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}") == ErrorCode::Corrupt);  // a gap behind
  CHECK(message.find("x.safetensors") != std::string::npos);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}") ==
        ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F32\",\"shape\":[18446744073709551615],\"data_offsets\":[0,8]}") == ErrorCode::Corrupt);
  CHECK(described("{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}") == ErrorCode::Unsupported);
  CHECK(message.find("w: dtype F8_E4M3") != std::string::npos);
  CHECK(code(safetensors_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
                              "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
                              "12345678")) == ErrorCode::Corrupt);  // both claim the same bytes
  CHECK(error_of([&] { io::read_safetensors(folder / "absent.safetensors"); }) == ErrorCode::NotFound);
}
