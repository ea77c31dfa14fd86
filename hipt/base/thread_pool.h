#pragma once
// The one pool of a run, made by the program and handed in. No globals.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace hipt {

// Cores that this process may use (affinity respected), at least 1.
std::size_t usable_cores();

class ThreadPool {
 public:
  // `worker_start` runs once in each worker before its first task (the engine sets OpenMP to one thread there). It must
  // not throw. Throws Error Io when the system refuses that many threads.
  explicit ThreadPool(std::size_t threads, std::function<void()> worker_start = {});
  // Waits for what was posted.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t size() const { return workers_.size(); }

  // Runs body(0) .. body(count - 1) on the workers and returns when all are done. The first exception stops the rest
  // and is thrown here; a stop request throws Error Cancelled. Called from a worker of this pool it runs in place, so
  // that nesting cannot deadlock.
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body, std::stop_token stop = {});

  // As parallel_for, but the calling thread works too, and only workers that have nothing to do help it: it never waits
  // for those that are busy with something else. For work that comes up anywhere, workers of this pool included.
  void share(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  void post(std::function<void()> task);
  // To at most `most` of the workers that wait for something to do.
  void post_to_idle(std::size_t most, const std::function<void()>& task);
  void work();
  void close();

  std::function<void()> worker_start_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;  // workers that wait for a task
  bool closing_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace hipt
