#pragma once
// What every long call is given by the program: threads, a log, a progress bar, and a way to be stopped.

#include <stop_token>

#include "hipt/base/log.h"
#include "hipt/base/progress.h"
#include "hipt/base/thread_pool.h"

namespace hipt {

struct RunContext {
  ThreadPool& pool;
  LogSink& log;
  ProgressSink& progress;
  std::stop_token stop;  // checked between pieces of work; a stopped call throws Error Cancelled

  // Throws Error Cancelled when the user asked to stop.
  void check_stop() const;
};

}  // namespace hipt
