#include "hipt/base/run_context.h"

#include "hipt/base/error.h"

namespace hipt {
namespace {

struct SilentLog final : LogSink {
  void write(LogLevel, std::string_view) override {}
};

struct SilentProgress final : ProgressSink {
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void set_total(std::int64_t) override {}
  void advance(std::int64_t) override {}
  void end() override {}
};

}  // namespace

LogSink& silent_log() {
  static SilentLog sink;
  return sink;
}

ProgressSink& silent_progress() {
  static SilentProgress sink;
  return sink;
}

void RunContext::check_stop() const {
  if (stop.stop_requested()) throw Error(ErrorCode::Cancelled, "stopped");
}

}  // namespace hipt
