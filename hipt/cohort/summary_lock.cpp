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

SummaryLock::SummaryLock(const StudyFolder& folder, const std::filesystem::path& file)
    : file_(folder.lock(file.filename().string())) {
  const auto give_up = std::chrono::steady_clock::now() + kLongestWait;
  while (std::chrono::steady_clock::now() < give_up) {
    if (lock_ = Lock::try_acquire(file_, kMaxAge); lock_) return;
    std::this_thread::sleep_for(10ms);
  }
  throw Error(ErrorCode::Io, fmt::format("{}: held by another process for over {} s; remove it if no hipt is running",
                                         file_.string(), kLongestWait.count()));
}

SummaryLock::~SummaryLock() {
  lock_.reset();
  std::error_code still_used;
  std::filesystem::remove(file_.parent_path(), still_used);
}

}  // namespace hipt::cohort
