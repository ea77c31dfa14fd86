#include "hipt/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sched.h>

#include "hipt/base/error.h"

namespace hipt {
namespace {

// Which pool the current thread works for: lets parallel_for see that it is nested.
thread_local const ThreadPool* current_pool = nullptr;

// What the helpers of one parallel_for share. They may outlive the call by a moment, hence shared ownership; `body` is
// touched only for indices below `count`, all of which are done before the call returns.
struct ForState {
  std::size_t count = 0;
  const std::function<void(std::size_t)>* body = nullptr;
  std::stop_token stop;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t done = 0;
  std::exception_ptr failure;
  bool abandoned = false;

  void run() {
    for (std::size_t index = next.fetch_add(1); index < count; index = next.fetch_add(1)) {
      bool skip = false;
      {
        const std::scoped_lock lock(mutex);
        abandoned = abandoned || stop.stop_requested();
        skip = abandoned || failure;
      }
      std::exception_ptr error;
      if (!skip) {
        try {
          (*body)(index);
        } catch (...) {
          error = std::current_exception();
        }
      }
      const std::scoped_lock lock(mutex);
      if (error && !failure) failure = std::move(error);
      if (++done == count) all_done.notify_all();
    }
  }

  // Waits for what other threads have in hand.
  void finish() {
    std::exception_ptr first;
    {
      std::unique_lock lock(mutex);
      all_done.wait(lock, [&] { return done == count; });
      first = std::exchange(failure, nullptr);  // so that it ends on the thread that catches it
    }
    if (first) std::rethrow_exception(std::move(first));
    if (abandoned) throw Error(ErrorCode::Cancelled, "stopped");
  }
};

}  // namespace

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

ThreadPool::ThreadPool(std::size_t threads, std::function<void()> worker_start)
    : worker_start_(std::move(worker_start)) {
  try {
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    close();  // else those that did start would be waited for without end
    throw Error(ErrorCode::Io,
                fmt::format("{} threads cannot be started: {}; ask for fewer (--threads)", threads, error.what()));
  }
}

ThreadPool::~ThreadPool() {
  close();
}

void ThreadPool::close() {
  const std::scoped_lock lock(mutex_);
  closing_ = true;
  wake_.notify_all();
}

void ThreadPool::post(std::function<void()> task) {
  const std::scoped_lock lock(mutex_);
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

void ThreadPool::post_to_idle(std::size_t most, const std::function<void()>& task) {
  const std::scoped_lock lock(mutex_);
  const std::size_t free = idle_ - std::min(idle_, tasks_.size());
  for (std::size_t i = 0; i < std::min(most, free); ++i) {
    tasks_.push_back(task);
    wake_.notify_one();
  }
}

void ThreadPool::work() {
  current_pool = this;
  if (worker_start_) worker_start_();
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      wake_.wait(lock, [&] { return closing_ || !tasks_.empty(); });
      --idle_;
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

void ThreadPool::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body, std::stop_token stop) {
  if (count == 0) return;
  const auto state = std::make_shared<ForState>();
  state->count = count;
  state->body = &body;
  state->stop = std::move(stop);
  if (current_pool == this) {
    state->run();
  } else {
    for (std::size_t i = 0; i < std::min(count, size()); ++i) post([state] { state->run(); });
  }
  state->finish();
}

void ThreadPool::share(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  const auto state = std::make_shared<ForState>();
  state->count = count;
  state->body = &body;
  post_to_idle(count - 1, [state] { state->run(); });
  state->run();
  state->finish();
}

}  // namespace hipt
