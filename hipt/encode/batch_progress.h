#pragma once
// One bar for slides that are encoded at once: patches of all of them together.

#include <cstdint>
#include <mutex>
#include <string_view>

#include "hipt/base/progress.h"

namespace hipt::encode {

// How many patches a slide has is known when its turn has come; for the slides before their turn the mean of the others
// stands in.
class BatchProgress {
 public:
  // Begins a stage of `sink`, which must outlive it and is used by nobody else meanwhile.
  BatchProgress(ProgressSink& sink, std::int64_t slides);
  ~BatchProgress();  // ends the stage
  BatchProgress(const BatchProgress&) = delete;
  BatchProgress& operator=(const BatchProgress&) = delete;

  // What one slide tells, on the thread of that slide but for `advance`. A slide that is there already begins no stage;
  // what one that failed did not do is taken off the total.
  class Slide final : public ProgressSink {
   public:
    explicit Slide(BatchProgress& batch) : batch_(batch) {}
    ~Slide() override;
    Slide(const Slide&) = delete;
    Slide& operator=(const Slide&) = delete;
    void begin(std::string_view stage, std::int64_t total, std::string_view unit) override;
    void set_total(std::int64_t total) override;
    void advance(std::int64_t count) override;
    void end() override {}

   private:
    BatchProgress& batch_;
    bool begun_ = false;
    std::int64_t left_ = 0;  // held under the batch's mutex
  };

 private:
  void tell_total();

  ProgressSink& sink_;
  std::mutex mutex_;
  std::int64_t slides_ahead_;
  std::int64_t slides_begun_ = 0;
  std::int64_t patches_ = 0;  // of the slides that have begun
};

}  // namespace hipt::encode
