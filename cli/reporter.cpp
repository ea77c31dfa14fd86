#include "cli/reporter.h"

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "hipt/base/error.h"

namespace hipt::cli {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};
constexpr int kBarWidth = 24;

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(seconds, 0.0) + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Reporter::Reporter(LogLevel least, bool show_progress, const std::string& json_file)
    : least_(least), show_progress_(show_progress), terminal_(isatty(STDERR_FILENO) == 1) {
  if (json_file.empty()) return;
  json_.open(json_file, std::ios::app);
  if (!json_) throw Error(ErrorCode::Io, fmt::format("--log_json {}: cannot be written", json_file));
}

Reporter::~Reporter() {
  end();
}

void Reporter::write(LogLevel level, std::string_view message) {
  const std::scoped_lock lock(mutex_);
  if (json_.is_open()) {
    const nlohmann::json line = {{"time", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))},
                                 {"level", kLevelNames[static_cast<int>(level)]},
                                 {"message", message}};
    json_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
  if (level < least_) return;
  clear_bar();
  fmt::print(stderr, "{}{}\n",
             level >= LogLevel::Warning ? fmt::format("{}: ", kLevelNames[static_cast<int>(level)]) : "", message);
}

void Reporter::begin(std::string_view stage, std::int64_t total, std::string_view unit) {
  end();
  const std::scoped_lock lock(mutex_);
  active_ = true;
  stage_ = stage;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  shown_done_ = -1;
  started_ = shown_ = Clock::now();
}

void Reporter::set_total(std::int64_t total) {
  const std::scoped_lock lock(mutex_);
  total_ = total;
}

void Reporter::advance(std::int64_t count) {
  const std::scoped_lock lock(mutex_);
  done_ += count;
  if (!active_ || !show_progress_) return;
  const auto interval = terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10000);
  if (Clock::now() - shown_ >= interval) show(false);
}

void Reporter::end() {
  const std::scoped_lock lock(mutex_);
  if (!active_) return;
  const bool long_work = Clock::now() - started_ >= std::chrono::seconds(10);
  if (show_progress_ && (terminal_ || (long_work && shown_done_ != done_))) show(true);
  active_ = false;
}

std::string Reporter::progress_text() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0.0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0.0;
  return fmt::format("{} of {} {}, {:.1f} {}/s, {} left", done_, total_, unit_, rate, unit_, duration_text(left));
}

void Reporter::show(bool last) {
  shown_ = Clock::now();
  shown_done_ = done_;
  if (!terminal_) {
    fmt::print(stderr, "{}: {}\n", stage_, progress_text());
    return;
  }
  const double fraction = total_ > 0 ? std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)) : 1.0;
  const int filled = static_cast<int>(fraction * kBarWidth);
  fmt::print(stderr, "\r\033[K{} [{}{}] {}", stage_, std::string(static_cast<std::size_t>(filled), '='),
             std::string(static_cast<std::size_t>(kBarWidth - filled), ' '), progress_text());
  bar_on_screen_ = true;
  if (last) {
    fmt::print(stderr, "\n");
    bar_on_screen_ = false;
  }
  std::fflush(stderr);
}

void Reporter::clear_bar() {
  if (bar_on_screen_) fmt::print(stderr, "\r\033[K");
  bar_on_screen_ = false;
}

}  // namespace hipt::cli
