#include "hipt/cohort/cache.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/cohort/descriptor.h"
#include "hipt/cohort/lock.h"
#include "hipt/slide/slide_files.h"

namespace hipt::cohort {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderMark = "hipt-cache-";
constexpr std::chrono::hours kLongestSilence{24};  // of another machine on the same folder
constexpr std::size_t kPieceBytes = 4 << 20;

// The cache's own disk cannot take a copy. The slide is read where it is.
struct NoRoom {
  std::string reason;
};

[[noreturn]] void fail_reading(const fs::path& file, int number) {
  throw Error(number == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
              fmt::format("{}: {}", file.string(), std::strerror(number)));
}

void write_whole(const Descriptor& to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = write(to.get(), bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw NoRoom{std::strerror(errno)};
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

void copy_file(const fs::path& from, const fs::path& to, const std::stop_token& stop) {
  const Descriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) fail_reading(from, errno);
  std::error_code failure;
  fs::create_directories(to.parent_path(), failure);
  const Descriptor target(open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  if (!target) throw NoRoom{std::strerror(errno)};
  std::vector<char> piece(kPieceBytes);
  while (true) {
    if (stop.stop_requested()) throw Error(ErrorCode::Cancelled, "stopped");
    const ssize_t count = read(source.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_reading(from, errno);
    if (count == 0) return;
    write_whole(target, piece.data(), static_cast<std::size_t>(count));
  }
}

void remove_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

// A folder of this run's own, held by a lock inside it.
struct HeldFolder {
  fs::path path;
  Lock lock;
};

HeldFolder make_folder(const fs::path& below) {
  std::random_device device;
  for (int attempt = 0; attempt < 100; ++attempt) {
    fs::path path = below / fmt::format("{}{:08x}", kFolderMark, device());
    if (auto lock = Lock::try_acquire(path / "lock", kLongestSilence)) return {path, std::move(*lock)};
  }
  throw Error(ErrorCode::Io, fmt::format("{}: no folder for copies of slides can be made", below.string()));
}

// Who gets the lock of a folder holds it alone, so its run has ended.
void remove_left_behind(const fs::path& below) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(below, ignored)) {
    const bool ours = entry.path().filename().string().starts_with(kFolderMark);
    if (!ours || entry.is_symlink(ignored) || !entry.is_directory(ignored)) continue;
    try {
      if (const auto lock = Lock::try_acquire(entry.path() / "lock", kLongestSilence)) remove_folder(entry.path());
    } catch (const Error&) {
      // Of another user: theirs to remove.
    }
  }
}

enum class Stage {
  Ahead,  // to be copied in its turn
  Idle,   // copied only when somebody waits for it
  Copying,
  Ready,     // its copy is there
  Original,  // read where it is
  Failed,
};

struct Entry {
  fs::path original;
  Stage stage = Stage::Ahead;
  bool passed_over = false;
  int waiting = 0;  // threads
  int users = 0;
  std::optional<std::vector<fs::path>> files;  // relative to its folder; the slide first
  std::int64_t bytes = 0;                      // of them all
  std::optional<Error> failure;

  bool can_be_copied() const { return stage == Stage::Ahead || stage == Stage::Idle; }
  bool is_settled() const { return stage == Stage::Ready || stage == Stage::Original || stage == Stage::Failed; }
  bool is_unused() const { return users == 0 && waiting == 0; }
};

}  // namespace

struct SlideCache::State {
  State(const fs::path& folder, const std::vector<fs::path>& slides, CacheLimits cache_limits, RunContext& run_context)
      : limits(cache_limits), context(run_context), held(make_folder(folder)) {
    limits.slides = std::max<std::size_t>(1, limits.slides);
    entries.resize(slides.size());
    for (std::size_t index = 0; index < slides.size(); ++index) entries[index].original = slides[index];
    producer = std::jthread([this](const std::stop_token& stop) { produce(stop); });
  }
  ~State() {
    producer = {};  // stops it and waits
    remove_folder(held.path);
  }

  // --- The producer's side.

  void produce(const std::stop_token& stop) {
    while (const std::optional<std::size_t> index = next(stop)) {
      Stage stage = Stage::Ready;
      std::optional<Error> failure;
      try {
        copy(*index, stop);
      } catch (const NoRoom& full) {
        stage = Stage::Original;
        warn(*index, full.reason);
      } catch (const Error& error) {
        stage = Stage::Failed;
        failure = error;
      }
      const std::scoped_lock lock(mutex);
      Entry& entry = entries[*index];
      entry.stage = stage;
      entry.failure = failure;
      if (stage != Stage::Ready) {
        remove_folder(part_of(*index));
      } else if (entry.passed_over && entry.waiting == 0) {
        remove_copy(*index);
      }
      changed.notify_all();
    }
  }

  // Waits for the next slide that is to be copied and has room, and marks it. Nothing at the end.
  std::optional<std::size_t> next(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const std::optional<std::size_t> index = most_wanted();
      if (index && !entries[*index].files) {
        measure(*index, lock);
        continue;
      }
      if (index && make_room(*index)) {
        entries[*index].stage = Stage::Copying;
        return index;
      }
      changed.wait(lock, stop, [&, seen = version] { return version != seen; });
    }
    return std::nullopt;
  }

  std::optional<std::size_t> most_wanted() const {
    std::optional<std::size_t> ahead;
    for (std::size_t index = 0; index < entries.size(); ++index) {
      const Entry& entry = entries[index];
      if (entry.can_be_copied() && entry.waiting > 0) return index;
      if (!ahead && entry.stage == Stage::Ahead && !entry.passed_over) ahead = index;
    }
    return ahead;
  }

  // Which files, and how large, without holding up the others: network drives answer slowly.
  void measure(std::size_t index, std::unique_lock<std::mutex>& lock) {
    const fs::path original = entries[index].original;
    lock.unlock();
    std::optional<std::vector<fs::path>> files;
    std::int64_t bytes = 0;
    std::optional<Error> failure;
    try {
      files = slide::files_of_slide(original);
      for (const fs::path& file : *files) {
        bytes += static_cast<std::int64_t>(fs::file_size(original.parent_path() / file));
      }
    } catch (const Error& error) {
      failure = error;
    } catch (const fs::filesystem_error& error) {
      failure = Error(ErrorCode::Io, error.what());
    }
    lock.lock();
    Entry& entry = entries[index];
    entry.files = std::move(files);
    entry.bytes = bytes;
    entry.failure = failure;
    if (failure) entry.stage = Stage::Failed;
    if (!failure && bytes > limits.bytes) {
      entry.stage = Stage::Original;
      warn(index, fmt::format("{} bytes are more than its limit of {}", bytes, limits.bytes));
    }
    changed.notify_all();
  }

  // Whether slide `index` may be copied now. For one that somebody waits for, copies that nobody uses are given up, the
  // last first.
  bool make_room(std::size_t index) {
    for (std::size_t other = entries.size(); !has_room(index);) {
      if (entries[index].waiting == 0) return false;
      do {
        if (other == 0) return false;
        --other;
      } while (entries[other].stage != Stage::Ready || !entries[other].is_unused());
      remove_copy(other);
      if (!entries[other].passed_over) entries[other].stage = Stage::Ahead;
    }
    return true;
  }

  bool has_room(std::size_t index) const {
    std::size_t count = 0;
    std::int64_t bytes = entries[index].bytes;
    for (const Entry& entry : entries) {
      if (entry.stage != Stage::Ready) continue;
      ++count;
      bytes += entry.bytes;
    }
    return count < limits.slides && bytes <= limits.bytes;
  }

  void copy(std::size_t index, const std::stop_token& stop) {
    const Entry& entry = entries[index];  // nobody changes its files while it is being copied
    for (const fs::path& file : *entry.files) {
      copy_file(entry.original.parent_path() / file, part_of(index) / file, stop);
    }
    std::error_code failure;
    fs::rename(part_of(index), copy_of(index), failure);
    if (failure) throw NoRoom{failure.message()};
  }

  // --- Both sides. The mutex is held by who calls.

  fs::path copy_of(std::size_t index) const { return held.path / fmt::format("{}", index); }
  fs::path part_of(std::size_t index) const { return held.path / fmt::format("{}.part", index); }

  void remove_copy(std::size_t index) {
    entries[index].stage = Stage::Idle;
    remove_folder(copy_of(index));
  }

  void warn(std::size_t index, std::string_view reason) {
    if (!warned) {
      context.log.write(LogLevel::Warning,
                        fmt::format("{}: cannot take a copy of {} ({}), which is read where it is, as are others "
                                    "after it that find no room",
                                    held.path.parent_path().string(), entries[index].original.string(), reason));
    }
    warned = true;
  }

  void announce() {
    ++version;
    changed.notify_all();
  }

  CacheLimits limits;
  RunContext& context;
  HeldFolder held;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::uint64_t version = 0;  // of what the users want and hold
  std::vector<Entry> entries;
  bool warned = false;
  std::jthread producer;
};

SlideCache::SlideCache(fs::path folder, std::vector<fs::path> slides, CacheLimits limits, RunContext& context) {
  remove_left_behind(folder);
  state_ = std::make_unique<State>(folder, slides, limits, context);
}

SlideCache::~SlideCache() = default;

fs::path SlideCache::acquire(std::size_t index) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  Entry& entry = state.entries.at(index);
  if (entry.passed_over && entry.can_be_copied()) return entry.original;
  ++entry.waiting;
  state.announce();
  const bool settled = state.changed.wait(lock, state.context.stop, [&] { return entry.is_settled(); });
  --entry.waiting;
  state.announce();
  if (!settled) throw Error(ErrorCode::Cancelled, "stopped while a slide was being copied");
  if (entry.stage == Stage::Failed) throw Error(*entry.failure);
  if (entry.stage == Stage::Original) return entry.original;
  ++entry.users;
  return state.copy_of(index) / entry.original.filename();
}

void SlideCache::release(std::size_t index) {
  State& state = *state_;
  const std::scoped_lock lock(state.mutex);
  Entry& entry = state.entries.at(index);
  if (entry.stage != Stage::Ready || entry.users == 0) return;
  if (--entry.users == 0 && entry.waiting == 0) state.remove_copy(index);
  state.announce();
}

void SlideCache::pass_over(std::size_t index) {
  State& state = *state_;
  const std::scoped_lock lock(state.mutex);
  Entry& entry = state.entries.at(index);
  entry.passed_over = true;
  if (entry.stage == Stage::Ready && entry.is_unused()) state.remove_copy(index);
  state.announce();
}

}  // namespace hipt::cohort
