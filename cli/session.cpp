#include "cli/session.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>

#include "hipt/base/text.h"
#include "hipt/vit/engine.h"

#include "cli/reporter.h"

namespace hipt::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Turns the first SIGINT or SIGTERM into a stop request and the second into the end of the process. The signals are
// blocked before any other thread starts, so that only this one takes them.
class SignalThread {
 public:
  explicit SignalThread(std::stop_source stop) : set_(stop_signals()) {
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
    thread_ = std::thread([this, stop]() mutable {
      for (int received = 0, count = 0; sigwait(&set_, &received) == 0 && !ending_; ++count) {
        if (count > 0) std::_Exit(130);
        stop.request_stop();
        fmt::print(stderr, "\nstopping after the work in hand; the same command goes on later (again: end at once)\n");
      }
    });
  }
  ~SignalThread() {
    ending_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t set_;
  sigset_t before_{};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

LogLevel least_level(const SessionOptions& options) {
  if (options.quiet) return LogLevel::Error;
  return options.verbose ? LogLevel::Debug : LogLevel::Info;
}

}  // namespace

struct Session::State {
  explicit State(const SessionOptions& options)
      : signals(stop),
        reporter(least_level(options), !options.quiet, options.log_json),
        pool(options.threads > 0 ? static_cast<std::size_t>(options.threads) : usable_cores(),
             vit::prepare_engine_thread),
        context{pool, reporter, reporter, stop.get_token()} {}

  std::stop_source stop;
  SignalThread signals;
  Reporter reporter;
  ThreadPool pool;
  RunContext context;
};

Session::Session(const SessionOptions& options) : state_(std::make_unique<State>(options)) {}
Session::~Session() = default;

RunContext& Session::context() {
  return state_->context;
}

int Session::summarise(const cohort::BatchSummary& summary) {
  state_->reporter.end();
  using cohort::Status;
  for (const cohort::Outcome& outcome : summary.outcomes) {
    if (outcome.status == Status::Failed) fmt::print(stderr, "failed: {}: {}\n", outcome.slide_id, outcome.reason);
  }
  for (const std::string& slide : summary.locked) fmt::print(stderr, "held by another process: {}\n", slide);
  const std::size_t failed = summary.count(Status::Failed);
  const auto slides = static_cast<std::int64_t>(summary.outcomes.size() + summary.locked.size());
  fmt::print(stderr, "{}: {} processed, {} already there, {} failed{}\n", counted(slides, "slide", "slides"),
             summary.count(Status::Processed), summary.count(Status::AlreadyExist), failed,
             summary.locked.empty() ? "" : fmt::format(", {} held by others", summary.locked.size()));
  if (failed == 0) return 0;
  return failed == summary.outcomes.size() ? 1 : 3;
}

}  // namespace hipt::cli
