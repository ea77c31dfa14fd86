#include "hipt/base/array.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"

namespace hipt {
namespace {

constexpr std::size_t kAlignment = 64;

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1f;
  const std::uint32_t mantissa = half & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal or zero: exact
  return sign ? -magnitude : magnitude;
}

template <class T>
void convert(const std::byte* source, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, source + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

// Elements of an array of that shape. The bound keeps byte counts from overflowing.
std::size_t bounded_count(const Shape& shape) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  if (count > std::numeric_limits<std::size_t>::max() / 32) {
    throw Error(ErrorCode::Corrupt, fmt::format("shape {} is too large for memory", to_string(shape)));
  }
  return count;
}

}  // namespace

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::Float64:
    case DType::Int64:
      return 8;
    case DType::Float32:
    case DType::Int32:
      return 4;
    case DType::Float16:
    case DType::BFloat16:
    case DType::Int16:
      return 2;
    case DType::Bool:
    case DType::UInt8:
    case DType::Int8:
      return 1;
  }
  return 1;
}

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return "float32";
    case DType::Float64:
      return "float64";
    case DType::Float16:
      return "float16";
    case DType::BFloat16:
      return "bfloat16";
    case DType::Bool:
      return "bool";
    case DType::UInt8:
      return "uint8";
    case DType::Int8:
      return "int8";
    case DType::Int16:
      return "int16";
    case DType::Int32:
      return "int32";
    case DType::Int64:
      return "int64";
  }
  return "unknown";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) {
      throw Error(ErrorCode::Corrupt, fmt::format("shape {} has no possible size", to_string(shape)));
    }
  }
  return count;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Array::Array(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)), writable_(true) {
  size_ = bounded_count(shape_);
  const std::size_t padded = (byte_size() + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, padded == 0 ? kAlignment : padded);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, padded);
  owner_ = std::shared_ptr<const void>(memory, [](const void* pointer) { std::free(const_cast<void*>(pointer)); });
  data_ = static_cast<const std::byte*>(memory);
}

Array Array::view(std::shared_ptr<const void> owner, const std::byte* data, DType dtype, Shape shape) {
  Array array;
  array.dtype_ = dtype;
  array.shape_ = std::move(shape);
  array.size_ = bounded_count(array.shape_);
  array.owner_ = std::move(owner);
  array.data_ = data;
  return array;
}

Array Array::clone() const {
  Array copy(dtype_, shape_);
  if (byte_size() > 0) std::memcpy(copy.mutable_bytes(), data_, byte_size());
  return copy;
}

Array Array::reshaped(Shape shape) && {
  if (static_cast<std::size_t>(element_count(shape)) != size_) {
    throw Error(ErrorCode::Internal, fmt::format("{} elements do not fit the shape {}", size_, to_string(shape)));
  }
  shape_ = std::move(shape);
  return std::move(*this);
}

std::byte* Array::mutable_bytes() {
  if (!writable_ && size_ > 0) throw Error(ErrorCode::Internal, "a view of another's memory is not writable");
  return const_cast<std::byte*>(data_);
}

void Array::require(DType dtype, std::size_t alignment) const {
  if (dtype != dtype_) {
    throw Error(ErrorCode::Internal, fmt::format("an array of {} was read as {}", to_string(dtype_), to_string(dtype)));
  }
  if (reinterpret_cast<std::uintptr_t>(data_) % alignment != 0) {
    throw Error(ErrorCode::Internal, "a view that is not aligned to its elements was read in place, not cloned");
  }
}

Array Array::to_float32() const {
  Array result(DType::Float32, shape_);
  const std::span<float> out = result.as_mutable<float>();
  switch (dtype_) {
    case DType::Float32:
      convert<float>(data_, out);
      break;
    case DType::Float64:
      convert<double>(data_, out);
      break;
    case DType::Bool:
    case DType::UInt8:
      convert<std::uint8_t>(data_, out);
      break;
    case DType::Int8:
      convert<std::int8_t>(data_, out);
      break;
    case DType::Int16:
      convert<std::int16_t>(data_, out);
      break;
    case DType::Int32:
      convert<std::int32_t>(data_, out);
      break;
    case DType::Int64:
      convert<std::int64_t>(data_, out);
      break;
    case DType::Float16:
    case DType::BFloat16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t bits;
        std::memcpy(&bits, data_ + 2 * i, 2);
        out[i] = dtype_ == DType::Float16 ? half_to_float(bits) : std::bit_cast<float>(std::uint32_t{bits} << 16);
      }
      break;
  }
  return result;
}

}  // namespace hipt
