#pragma once
// Scratch: working memory that a thread keeps between calls, so that no kernel allocates per picture.

#include <cstddef>

#include "hipt/base/array.h"

namespace hipt::kernels {

// A buffer of floats that only grows. Not for two threads at once.
class Scratch {
 public:
  // `count` floats, 64-byte aligned, with unspecified values. Valid until the next call.
  float* floats(std::size_t count) {
    if (count > buffer_.size()) buffer_ = Array::of<float>({static_cast<std::int64_t>(count)});
    return buffer_.as_mutable<float>().data();
  }

 private:
  Array buffer_;
};

}  // namespace hipt::kernels
