#pragma once
// Log and progress for people: a bar on a terminal, a line every ten seconds in a log, JSON lines in a file.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>

#include "hipt/base/log.h"
#include "hipt/base/progress.h"

namespace hipt::cli {

class Reporter final : public LogSink, public ProgressSink {
 public:
  // `least` is the lowest level shown; `json_file` may be empty. Throws Io when it cannot be written.
  Reporter(LogLevel least, bool show_progress, const std::string& json_file);
  ~Reporter() override;

  void write(LogLevel level, std::string_view message) override;
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override;
  void set_total(std::int64_t total) override;
  void advance(std::int64_t count) override;
  void end() override;

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool last);
  void clear_bar();
  std::string progress_text() const;

  const LogLevel least_;
  const bool show_progress_;
  const bool terminal_;
  std::ofstream json_;
  std::mutex mutex_;
  bool bar_on_screen_ = false;
  bool active_ = false;
  std::string stage_;
  std::string unit_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::int64_t shown_done_ = -1;  // of the last line or bar
  Clock::time_point started_;
  Clock::time_point shown_;
};

}  // namespace hipt::cli
