#pragma once
// Scratch: working memory that a thread keeps between calls, so that no kernel allocates per picture.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "hipt/base/array.h"

namespace hipt::kernels {

// A buffer that only grows. Not for two threads at once.
class Scratch {
 public:
  // `count` numbers, 64-byte aligned, with unspecified values. Valid until the next call.
  template <class Number>
  Number* numbers(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<Number> && std::is_trivially_destructible_v<Number>);
    const std::size_t bytes = count * sizeof(Number);
    if (bytes > buffer_.size()) buffer_ = Array::of<std::uint8_t>({static_cast<std::int64_t>(bytes)});
    return reinterpret_cast<Number*>(buffer_.mutable_bytes());
  }
  float* floats(std::size_t count) { return numbers<float>(count); }

 private:
  Array buffer_;
};

}  // namespace hipt::kernels
