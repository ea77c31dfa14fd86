#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "hipt/base/array.h"
#include "hipt/base/sha256.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

template <class T>
Array array_of(const std::vector<T>& values) {
  Array array = Array::of<T>({static_cast<std::int64_t>(values.size())});
  std::memcpy(array.mutable_bytes(), values.data(), values.size() * sizeof(T));
  return array;
}

// All 65536 bit patterns of a 16-bit float type.
Array every_16_bit_pattern(DType dtype) {
  Array array(dtype, {65536});
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    std::memcpy(array.mutable_bytes() + 2 * i, &bits, 2);
  }
  return array;
}

// SHA-256 of the float32 bytes of all values that are numbers, and how many are none.
std::pair<std::string, int> digest(const Array& values) {
  Sha256 hash;
  int nans = 0;
  for (const float& value : values.as<float>()) {
    if (std::isnan(value)) {
      ++nans;
    } else {
      hash.update(std::as_bytes(std::span(&value, 1)));
    }
  }
  return {hash.hex(), nans};
}

}  // namespace

TEST_CASE("array: every float16 becomes the float32 that numpy makes of it") {
  const auto [hash, nans] = digest(every_16_bit_pattern(DType::Float16).to_float32());
  CHECK(hash == "680bbc22915f61aa1bbfc7265bc3882a6aa42d299bfd2c571807196e5544de2e");
  CHECK(nans == 2046);
}

TEST_CASE("array: every bfloat16 becomes the float32 that torch makes of it") {
  const auto [hash, nans] = digest(every_16_bit_pattern(DType::BFloat16).to_float32());
  CHECK(hash == "ba630f4dd7aba313174b044090cfc5353bc4f587c4f6c2848056051239b777b0");
  CHECK(nans == 254);
}

TEST_CASE("array: float64 and integers round to the nearest float32 with ties to even") {
  // Values of numpy's astype(float32).
  const Array doubles = array_of<double>({1.0 + 0x1p-24, 1.0 + 0x1p-24 + 0x1p-40, 1e-46, 0.1}).to_float32();
  CHECK(doubles.as<float>()[0] == 1.0f);
  CHECK(doubles.as<float>()[1] == 0x1.000002p+0f);
  CHECK(doubles.as<float>()[2] == 0.0f);
  CHECK(doubles.as<float>()[3] == 0x1.99999ap-4f);
  const Array wide = array_of<std::int64_t>({16777217, 16777219, std::numeric_limits<std::int64_t>::max(),
                                             std::numeric_limits<std::int64_t>::min()})
                         .to_float32();
  CHECK(wide.as<float>()[0] == 0x1p+24f);
  CHECK(wide.as<float>()[1] == 0x1.000004p+24f);
  CHECK(wide.as<float>()[2] == 0x1p+63f);
  CHECK(wide.as<float>()[3] == -0x1p+63f);
  CHECK(array_of<std::int8_t>({-128}).to_float32().as<float>()[0] == -128.0f);
  CHECK(array_of<std::uint8_t>({255}).to_float32().as<float>()[0] == 255.0f);
  CHECK(array_of<std::int16_t>({-32768}).to_float32().as<float>()[0] == -32768.0f);
  CHECK(array_of<std::int32_t>({-16777217}).to_float32().as<float>()[0] == -0x1p+24f);
}

TEST_CASE("array: owned memory is zero-filled and aligned to 64 bytes") {
  const Array array = Array::of<double>({3, 5});
  CHECK(array.shape() == Shape{3, 5});
  CHECK(array.rank() == 2);
  CHECK(array.dim(1) == 5);
  CHECK(array.size() == 15);
  CHECK(array.byte_size() == 120);
  CHECK(reinterpret_cast<std::uintptr_t>(array.bytes()) % 64 == 0);
  for (const double value : array.as<double>()) CHECK(value == 0.0);
}

TEST_CASE("array: a view keeps its owner alive and cannot be written but a clone can") {
  const auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1.0f, 2.0f, 3.0f});
  const std::weak_ptr<std::vector<float>> watcher = owner;
  Array view = Array::view(owner, reinterpret_cast<const std::byte*>(owner->data()), DType::Float32, {3});
  const_cast<std::shared_ptr<std::vector<float>>&>(owner).reset();
  REQUIRE(!watcher.expired());
  CHECK(view.as<float>()[2] == 3.0f);
  CHECK(error_of([&] { view.as_mutable<float>(); }) == ErrorCode::Internal);
  Array copy = view.clone();
  view = Array();
  CHECK(watcher.expired());
  copy.as_mutable<float>()[0] = 7.0f;
  CHECK(copy.as<float>()[0] == 7.0f);
  CHECK(copy.as<float>()[2] == 3.0f);
}

TEST_CASE("array: a view off its alignment is read by copy and not in place") {
  const auto owner = std::make_shared<std::vector<std::byte>>(9);
  const float value = 2.5f;
  std::memcpy(owner->data() + 1, &value, 4);
  const Array view = Array::view(owner, owner->data() + 1, DType::Float32, {2});
  CHECK(error_of([&] { view.as<float>(); }) == ErrorCode::Internal);
  CHECK(view.clone().as<float>()[0] == 2.5f);
  CHECK(view.to_float32().as<float>()[0] == 2.5f);
}

TEST_CASE("array: reading under another dtype is our own mistake") {
  std::string message;
  CHECK(error_of([] { Array::of<float>({1}).as<double>(); }, &message) == ErrorCode::Internal);
  CHECK(message == "an array of float32 was read as float64");
}

TEST_CASE("array: shapes that no memory holds are refused") {
  const std::int64_t large = std::int64_t{1} << 40;
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 0, 7}) == 0);
  CHECK(error_of([&] { element_count({2, -1}); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { element_count({large, large}); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { Array(DType::Float64, {large, 1 << 20}); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { Array::view(nullptr, nullptr, DType::Float64, {large, 1 << 21}); }) == ErrorCode::Corrupt);
}

TEST_CASE("array: reshaping keeps elements and refuses another count") {
  Array array = array_of<float>({1, 2, 3, 4, 5, 6});
  array = std::move(array).reshaped({2, 3});
  CHECK(array.shape() == Shape{2, 3});
  CHECK(array.as<float>()[4] == 5.0f);
  CHECK(error_of([&] { std::move(array).reshaped({4}); }) == ErrorCode::Internal);
}

TEST_CASE("array: names of dtypes and shapes as numpy and torch write them") {
  CHECK(to_string(DType::BFloat16) == "bfloat16");
  CHECK(to_string(DType::Int64) == "int64");
  CHECK(to_string(Shape{1, 197, 384}) == "[1, 197, 384]");
  CHECK(to_string(Shape{}) == "[]");
  CHECK(size_of(DType::Float16) == 2);
  CHECK(size_of(DType::Bool) == 1);
}
