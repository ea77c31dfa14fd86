#pragma once
// How long work tells how far it is. The program draws a bar on a terminal or writes lines into a log.

#include <cstdint>
#include <string_view>

namespace hipt {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // A stage of `total` units begins ("slide 3 of 40: encode", 2304, "patches"); it ends the stage before.
  virtual void begin(std::string_view stage, std::int64_t total, std::string_view unit) = 0;
  // The stage turned out to be of another size.
  virtual void set_total(std::int64_t total) = 0;
  // `count` more units are done. May be called from any thread.
  virtual void advance(std::int64_t count) = 0;
  virtual void end() = 0;
};

// Drops everything.
ProgressSink& silent_progress();

}  // namespace hipt
