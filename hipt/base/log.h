#pragma once
// Where the library tells what happens. It never prints: the program hands in a sink.

#include <string_view>

namespace hipt {

enum class LogLevel { Debug, Info, Warning, Error };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // One message without a line end. May be called from any thread.
  virtual void write(LogLevel level, std::string_view message) = 0;
};

// Drops everything.
LogSink& silent_log();

}  // namespace hipt
