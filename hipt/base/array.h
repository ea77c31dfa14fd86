#pragma once
// Array: a dense tensor, the currency of numbers in the house. Row-major, contiguous, 64-byte aligned when it owns its
// memory. Moving is cheap, copying is said aloud (clone).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hipt {

enum class DType { Float32, Float64, Float16, BFloat16, Bool, UInt8, Int8, Int16, Int32, Int64 };

std::size_t size_of(DType dtype);         // bytes an element
std::string_view to_string(DType dtype);  // numpy's and torch's names: "float32", "bfloat16", "bool", "int64"

using Shape = std::vector<std::int64_t>;

// Product of the dimensions (1 for a scalar). Throws Error Corrupt when a dimension is negative or the product
// overflows 63 bits: shapes come from files.
std::int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "[1, 197, 384]"

template <class T>
struct DTypeOf;  // DTypeOf<float>::value == DType::Float32
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::Float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::Float64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::Bool;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::UInt8;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::Int8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::Int16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::Int32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::Int64;
};

class Array {
 public:
  Array() = default;  // float32, shape [0]
  // Zero-filled.
  Array(DType dtype, Shape shape);
  template <class T>
  static Array of(Shape shape) {
    return Array(DTypeOf<T>::value, std::move(shape));
  }
  // Looks at `data` inside something that `owner` keeps alive (a mapped file). Not aligned by promise.
  static Array view(std::shared_ptr<const void> owner, const std::byte* data, DType dtype, Shape shape);

  Array(Array&&) noexcept = default;
  Array& operator=(Array&&) noexcept = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  Array clone() const;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const { return shape_.at(axis); }
  std::size_t rank() const { return shape_.size(); }
  std::size_t size() const { return size_; }  // elements
  std::size_t byte_size() const { return size_ * size_of(dtype_); }
  bool empty() const { return size_ == 0; }

  // The same elements under another shape of the same count.
  Array reshaped(Shape shape) &&;

  const std::byte* bytes() const { return data_; }
  std::byte* mutable_bytes();  // throws Internal for a view

  // Elements as T; throws Internal when T is not the dtype, or when the memory of a view is not aligned for it (clone
  // and to_float32 read that too).
  template <class T>
  std::span<const T> as() const {
    require(DTypeOf<T>::value, alignof(T));
    return {reinterpret_cast<const T*>(data_), size_};
  }
  template <class T>
  std::span<T> as_mutable() {
    require(DTypeOf<T>::value, alignof(T));
    return {reinterpret_cast<T*>(mutable_bytes()), size_};
  }

  // The values as float32 (f16, bf16, f64 and integers converted, round to nearest even).
  Array to_float32() const;

 private:
  void require(DType dtype, std::size_t alignment) const;

  DType dtype_ = DType::Float32;
  Shape shape_{0};
  std::size_t size_ = 0;
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  bool writable_ = false;
};

}  // namespace hipt
