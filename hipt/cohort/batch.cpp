#include "hipt/cohort/batch.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/cohort/cache.h"
#include "hipt/cohort/output.h"
#include "hipt/cohort/process_list.h"
#include "hipt/cohort/run_record.h"
#include "hipt/io/atomic_file.h"

namespace hipt::cohort {
namespace {

// What killed runs left of their half-written files.
void clean_up(const StudyFolder& folder) {
  std::error_code ignored;
  io::remove_stale_temporaries(folder.root);
  for (const auto& entry : std::filesystem::directory_iterator(folder.root, ignored)) {
    if (entry.is_directory(ignored)) io::remove_stale_temporaries(entry.path());
  }
}

// Calls body(0) ... body(count - 1) from so many threads, each the next that is free. The first exception ends the
// others after the piece in hand and is thrown here.
void for_each_at_once(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& body) {
  if (threads <= 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) body(i);
    } catch (...) {
      next = count;
      const std::scoped_lock guard(mutex);
      if (!first) first = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(threads, count); ++i) workers.emplace_back(work);
  }
  if (first) std::rethrow_exception(first);
}

// The slides' copies on a local disk, when they are wanted.
std::unique_ptr<SlideCache> make_cache(const Source& source, const BatchOptions& options, RunContext& context) {
  if (options.cache_dir.empty()) return nullptr;
  std::vector<std::filesystem::path> slides;
  for (const SlideEntry& slide : source.slides) slides.push_back(slide.path);
  CacheLimits limits;
  limits.slides = std::max(limits.slides, 2 * options.slides_in_flight);
  return std::make_unique<SlideCache>(options.cache_dir, std::move(slides), limits, context);
}

// One slide's copy for as long as it is used; the slide itself without a cache.
class Copy {
 public:
  Copy(SlideCache* cache, std::size_t index, const std::filesystem::path& original)
      : cache_(cache), index_(index), path_(cache != nullptr ? cache->acquire(index) : original) {}
  ~Copy() {
    if (cache_ != nullptr) cache_->release(index_);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  SlideCache* cache_;
  std::size_t index_;
  std::filesystem::path path_;
};

// One run over the slides: what is known of each so far.
class Pass {
 public:
  Pass(const Source& source, const StudyFolder& folder, const BatchOptions& options, RunContext& context,
       const ProcessSlide& process, RunRecord& record)
      : source_(source),
        folder_(folder),
        options_(options),
        context_(context),
        process_(process),
        record_(record),
        cache_(make_cache(source, options, context)),
        outcomes_(source.slides.size()),
        held_elsewhere_(source.slides.size(), 0) {}

  // Every slide once, then once more those that others held: most are done by then. Throws Cancelled, and Io when the
  // study's folder cannot be written.
  void run() {
    for (const SlideEntry& slide : source_.left_out) record_left_out(slide);
    std::vector<std::size_t> slides(outcomes_.size());
    std::iota(slides.begin(), slides.end(), 0);
    if (counts_slides()) context_.progress.begin(options_.verb, std::ssize(slides), "slides");
    visit_all(slides);
    std::erase_if(slides, [&](std::size_t index) { return held_elsewhere_[index] == 0; });
    visit_all(slides);
    if (counts_slides()) context_.progress.end();
  }

  BatchSummary summary() const {
    BatchSummary summary;
    for (std::size_t index = 0; index < outcomes_.size(); ++index) {
      if (outcomes_[index]) summary.outcomes.push_back(*outcomes_[index]);
      if (held_elsewhere_[index] != 0) summary.locked.push_back(file_name(index));
    }
    return summary;
  }

 private:
  bool counts_slides() const { return options_.slides_in_flight > 1 && !options_.process_tells_progress; }
  std::string file_name(std::size_t index) const { return source_.slides[index].path.filename().string(); }

  void say(LogLevel level, std::size_t index, std::string_view what) const {
    context_.log.write(level,
                       fmt::format("slide {} of {}: {}: {}", index + 1, outcomes_.size(), file_name(index), what));
  }

  void say(std::size_t index, const Outcome& outcome) const {
    const bool failed = outcome.status == Status::Failed;
    const bool noteworthy = !outcome.reason.empty();  // "no tissue: ..." is no failure, but hardly what was hoped for
    const std::string& detail = noteworthy ? outcome.reason : outcome.summary;
    // Not an Error: the summary names every failure once more, also where only errors are shown.
    const LogLevel level = failed || noteworthy ? LogLevel::Warning : LogLevel::Info;
    if (failed) {
      say(level, index, fmt::format("failed: {}", detail));
    } else if (detail.empty()) {
      say(level, index, to_string(outcome.status));
    } else {
      say(level, index, fmt::format("{} ({})", to_string(outcome.status), detail));
    }
  }

  void visit_all(const std::vector<std::size_t>& slides) {
    for_each_at_once(slides.size(), options_.slides_in_flight, [&](std::size_t i) { visit(slides[i]); });
  }

  // A row of the process list that is not to be done now.
  void record_left_out(const SlideEntry& slide) const {
    const std::optional<Lock> lock = Lock::try_acquire(folder_.lock(slide.id), options_.lock_max_age);
    if (!lock) return;  // whoever holds it has more to tell
    Outcome outcome;
    outcome.status = Status::ToBeProcessed;
    complete(outcome, slide);
    record_outcome(folder_, slide.id, outcome);
  }

  // What the row of the process list needs beside what `process` says.
  void complete(Outcome& outcome, const SlideEntry& slide) const {
    outcome.slide_id = slide.path.filename().string();
    outcome.list_row = slide.list_row;
    if (options_.columns_as_asked) outcome.asked = options_.columns_as_asked(slide);
    outcome.columns = listed_columns(source_, slide, outcome);
  }

  void visit(std::size_t index) {
    context_.check_stop();
    const auto started = std::chrono::steady_clock::now();
    const SlideEntry& slide = source_.slides[index];
    const std::optional<Lock> lock = Lock::try_acquire(folder_.lock(slide.id), options_.lock_max_age);
    held_elsewhere_[index] = lock ? 0 : 1;
    if (!lock) {
      if (cache_) cache_->pass_over(index);
      say(LogLevel::Info, index, "another process works on it");
      return;
    }
    Outcome outcome = attempt(index, *lock);
    complete(outcome, slide);
    // Whatever became of our work, the slide's record belongs to the process that holds the lock now.
    if (!lock->still_owned()) {
      held_elsewhere_[index] = 1;
      say(LogLevel::Warning, index, "another process took it over after a long pause of this one");
      return;
    }
    say(index, outcome);
    record_outcome(folder_, slide.id, outcome);
    {
      const std::scoped_lock guard(record_mutex_);
      record_.add(slide, outcome, std::chrono::steady_clock::now() - started);
    }
    if (counts_slides()) context_.progress.advance(1);
    outcomes_[index] = std::move(outcome);
  }

  Outcome attempt(std::size_t index, const Lock& lock) const {
    Outcome failed;
    failed.status = Status::Failed;
    try {
      SlideEntry slide = source_.slides[index];
      const Copy copy(cache_.get(), index, slide.path);
      slide.path = copy.path();
      return process_(slide, [&lock] { return lock.still_owned(); });
    } catch (const MadeOtherwise& error) {
      failed.reason = error.what();
      failed.earlier_stands = true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Cancelled) throw;
      failed.reason = error.what();
    } catch (const std::bad_alloc&) {
      failed.reason = "not enough memory";
    } catch (const std::exception& error) {
      failed.reason = error.what();
    }
    return failed;
  }

  const Source& source_;
  const StudyFolder& folder_;
  const BatchOptions& options_;
  RunContext& context_;
  const ProcessSlide& process_;
  RunRecord& record_;
  const std::unique_ptr<SlideCache> cache_;
  std::vector<std::optional<Outcome>> outcomes_;
  std::vector<char> held_elsewhere_;  // written by several threads, each its own
  std::mutex record_mutex_;
};

}  // namespace

std::size_t BatchSummary::count(Status status) const {
  return static_cast<std::size_t>(std::count_if(outcomes.begin(), outcomes.end(),
                                                [status](const Outcome& outcome) { return outcome.status == status; }));
}

BatchSummary process_slides(const Source& source, const StudyFolder& folder, const BatchOptions& options,
                            RunContext& context, const ProcessSlide& process) {
  RunRecord record(source, folder, options.verb, options.options,
                   options.machine);  // first: a read-only folder ends the run here
  clean_up(folder);
  Pass pass(source, folder, options, context, process, record);
  // Whatever ends the pass, list and record are written; the first reason is the one to tell.
  std::exception_ptr stopped;
  std::string status = "finished";
  std::string reason;
  const auto step = [&](const auto& body) {
    try {
      body();
    } catch (const std::exception& exception) {
      if (stopped) return;
      const auto* error = dynamic_cast<const Error*>(&exception);
      stopped = std::current_exception();
      status = error != nullptr && error->code() == ErrorCode::Cancelled ? "cancelled" : "failed";
      reason = exception.what();
    }
  };
  step([&] { pass.run(); });
  BatchSummary summary = pass.summary();
  step([&] { rebuild_process_list(folder); });
  step([&] { record.finish(status, reason, summary.locked); });
  std::error_code still_used;
  std::filesystem::remove(folder.root / "locks", still_used);
  if (stopped) std::rethrow_exception(stopped);
  for (const std::string& slide : summary.locked) {
    context.log.write(LogLevel::Warning,
                      fmt::format("{}: left to another process; run again when that one has ended", slide));
  }
  return summary;
}

}  // namespace hipt::cohort
