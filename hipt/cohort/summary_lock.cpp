#include "hipt/cohort/summary_lock.h"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::cohort {
namespace {

using namespace std::chrono_literals;

// A summary is rebuilt in seconds: a holder without a heartbeat for this long is gone.
constexpr std::chrono::seconds kMaxAge = 60s;
constexpr std::chrono::seconds kLongestWait = 150s;

}  // namespace

Lock lock_summary(const StudyFolder& folder, const std::filesystem::path& file) {
  const std::filesystem::path lock_file = folder.lock(file.filename().string());
  const auto give_up = std::chrono::steady_clock::now() + kLongestWait;
  while (std::chrono::steady_clock::now() < give_up) {
    if (std::optional<Lock> lock = Lock::try_acquire(lock_file, kMaxAge)) return std::move(*lock);
    std::this_thread::sleep_for(10ms);
  }
  throw Error(ErrorCode::Io, fmt::format("{}: held by another process for over {} s; remove it if no hipt is running",
                                         lock_file.string(), kLongestWait.count()));
}

}  // namespace hipt::cohort
