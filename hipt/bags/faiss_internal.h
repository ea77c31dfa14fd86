#pragma once
// How FAISS is called here. Internal to hipt/bags.

#include <exception>
#include <string>

#include <omp.h>

#include "hipt/base/error.h"

namespace hipt::bags {

// FAISS opens OpenMP regions of its own; the threads are ours. Of the calling thread, for the life of the object.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

// Runs `body` with one OpenMP thread; what FAISS throws becomes an Error.
template <class Body>
void with_faiss(Body&& body) {
  const OneOpenMpThread one_thread;
  try {
    body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::Internal, std::string("FAISS: ") + error.what());
  }
}

}  // namespace hipt::bags
