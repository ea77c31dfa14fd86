#pragma once
// A budget of bytes between threads: what holds the pixels in flight to a size rather than to a number of tiles.

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hipt::encode {

class ByteBudget {
 public:
  explicit ByteBudget(std::int64_t limit) : limit_(limit) {}

  // Waits until `bytes` fit, or until nobody else holds any: one piece of work larger than the limit still gets
  // through. False when the budget is closed: nothing was taken.
  bool take(std::int64_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || held_ == 0 || held_ + bytes <= limit_; });
    if (closed_) return false;
    held_ += bytes;
    return true;
  }

  void give(std::int64_t bytes) {
    const std::scoped_lock lock(mutex_);
    held_ -= bytes;
    changed_.notify_all();
  }

  // Ends the waiting.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::int64_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t held_ = 0;
  bool closed_ = false;
};

}  // namespace hipt::encode
