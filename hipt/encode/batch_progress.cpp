#include "hipt/encode/batch_progress.h"

namespace hipt::encode {

BatchProgress::BatchProgress(ProgressSink& sink, std::int64_t slides) : sink_(sink), slides_ahead_(slides) {
  sink_.begin("encode", 0, "patches");
}

BatchProgress::~BatchProgress() {
  sink_.end();
}

void BatchProgress::tell_total() {
  const std::int64_t guessed = slides_begun_ > 0 ? patches_ / slides_begun_ * slides_ahead_ : 0;
  sink_.set_total(patches_ + guessed);
}

void BatchProgress::Slide::begin(std::string_view, std::int64_t total, std::string_view) {
  {
    const std::scoped_lock lock(batch_.mutex_);
    begun_ = true;
    --batch_.slides_ahead_;
    ++batch_.slides_begun_;
  }
  set_total(total);
}

void BatchProgress::Slide::set_total(std::int64_t total) {
  const std::scoped_lock lock(batch_.mutex_);
  batch_.patches_ += total - left_;
  left_ = total;
  batch_.tell_total();
}

void BatchProgress::Slide::advance(std::int64_t count) {
  const std::scoped_lock lock(batch_.mutex_);
  left_ -= count;
  batch_.sink_.advance(count);
}

BatchProgress::Slide::~Slide() {
  const std::scoped_lock lock(batch_.mutex_);
  if (!begun_) --batch_.slides_ahead_;
  batch_.patches_ -= left_;
  batch_.tell_total();
}

}  // namespace hipt::encode
