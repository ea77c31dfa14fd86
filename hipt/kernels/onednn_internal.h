#pragma once
// What the kernels that call oneDNN share. Internal to hipt/kernels.

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "hipt/base/error.h"
#include "hipt/kernels/instruction_set.h"

namespace hipt::kernels {

using Memory = dnnl::memory;
using Tag = dnnl::memory::format_tag;

// The one way to oneDNN. Its instruction set can be chosen only before its first use.
inline const dnnl::engine& processor() {
  static const dnnl::engine engine = [] {
    forced_instruction_set();
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

inline dnnl::stream& calling_thread() {
  thread_local dnnl::stream stream(processor());
  return stream;
}

// Debian's oneDNN divides its work among OpenMP's threads, both when it plans a product and when it runs it.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneOpenMpThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

template <class Body>
decltype(auto) translating_errors(std::string_view what, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::Internal, fmt::format("{}: oneDNN: {}", what, error.what()));
  }
}

}  // namespace hipt::kernels
