#include "hipt/cohort/lock.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/cohort/descriptor.h"
#include "hipt/cohort/process_identity.h"
#include "hipt/io/atomic_file.h"

namespace hipt::cohort {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t kMaxLockBytes = 4096;
constexpr milliseconds kLongestBeat = 30s;
// Where the file system has no hard links, a lock is blank until it is written. One that is still blank after this
// belongs to a process that died just then.
constexpr milliseconds kTimeToWrite = 10s;

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view what, int number) {
  const std::string_view remedy =
      number == ENOSPC || number == EDQUOT ? "make room on the disk" : "choose a folder that can be written";
  throw Error(ErrorCode::Io, fmt::format("{}: {}: {}; {}", file.string(), what, std::strerror(number), remedy));
}

std::string random_token() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

// The lock's text: who holds it, and a token that no other lock ever had.
std::string claim_text(const ProcessIdentity& process) {
  const nlohmann::json claim = {
      {"host", process.host}, {"boot", process.boot},       {"pid_namespace", process.pid_namespace},
      {"pid", process.pid},   {"started", process.started}, {"token", random_token()}};
  return claim.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<ProcessIdentity> holder_of(const std::string& text) {
  const nlohmann::json claim = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    return ProcessIdentity{claim.at("host"), claim.at("boot"), claim.at("pid_namespace"), claim.at("pid"),
                           claim.at("started")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string read_text(const Descriptor& file) {
  std::string text(kMaxLockBytes, '\0');
  const ssize_t count = pread(file.get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

milliseconds modification_time(const struct stat& status) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(status.st_mtim.tv_sec) +
                                                  std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

// A name beside the lock that is free, and that the next run tidies up when this process is killed. Its file is removed
// at the end.
using TemporaryName = io::AtomicFile;

// The time by the clock that dates files in this folder: on a network drive the server's, which may differ from ours.
std::optional<milliseconds> folder_time(const std::filesystem::path& lock_file) {
  const TemporaryName probe(lock_file);
  const Descriptor file(open(probe.temporary_path().c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return std::nullopt;
  return modification_time(status);
}

bool is_stale(const Descriptor& file, const std::filesystem::path& path, milliseconds max_age) {
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return false;
  const std::optional<ProcessIdentity> holder = holder_of(read_text(file));
  if (holder && is_dead(*holder)) return true;
  const std::optional<milliseconds> now = folder_time(path);
  if (!now) return false;
  return *now - modification_time(status) > (holder ? max_age : std::min(max_age, kTimeToWrite));
}

bool names_same_file(const std::filesystem::path& path, const Descriptor& file) {
  struct stat by_path{};
  struct stat by_descriptor{};
  return stat(path.c_str(), &by_path) == 0 && fstat(file.get(), &by_descriptor) == 0 &&
         by_path.st_dev == by_descriptor.st_dev && by_path.st_ino == by_descriptor.st_ino;
}

// Taking over and letting go of one lock file exclude each other, so that neither removes a lock that came after. Where
// the file system has no flock, the check of ownership before a commit keeps the promise alone.
bool enter_transition(const Descriptor& file) {
  return flock(file.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

// Removes a stale lock. False when it lives, or when another process is taking it over.
bool remove_stale(const std::filesystem::path& path, milliseconds max_age) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));  // flock on NFS wants a file opened for writing
  if (!file) file = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno == ENOENT;
  if (!is_stale(file, path, max_age) || !enter_transition(file)) return false;
  if (!names_same_file(path, file)) return true;
  if (!is_stale(file, path, max_age)) return false;
  const TemporaryName unique(path);
  if (rename(path.c_str(), unique.temporary_path().c_str()) != 0 && errno != ENOENT) {
    fail(path, "a stale lock cannot be taken over", errno);
  }
  return true;
}

void write_claim(const std::filesystem::path& path, const Descriptor& file, const std::string& text) {
  const ssize_t written = write(file.get(), text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) return;
  const int number = written < 0 ? errno : ENOSPC;
  unlink(path.c_str());
  fail(path, "the lock cannot be written", number);
}

enum class Made { Yes, Exists, FolderGone, NoLinks };

Made made(int result) {
  if (result >= 0) return Made::Yes;
  if (errno == EEXIST) return Made::Exists;
  if (errno == ENOENT) return Made::FolderGone;
  return Made::NoLinks;
}

// Written under another name and then linked: a lock that is there is whole, whenever its process dies.
Made link_new(const std::filesystem::path& path, const std::string& text, Descriptor& file) {
  const TemporaryName name(path);
  file = Descriptor(open(name.temporary_path().c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
  if (!file && errno == ENOENT) return Made::FolderGone;
  if (!file) fail(path, "the lock cannot be made", errno);
  write_claim(name.temporary_path(), file, text);
  const Made linked = made(link(name.temporary_path().c_str(), path.c_str()));
  struct stat status{};
  // Over NFS an answer may get lost and the request be repeated: it is ours when it has two names.
  const bool ours = linked == Made::Exists && fstat(file.get(), &status) == 0 && status.st_nlink == 2;
  return ours ? Made::Yes : linked;
}

// Where the file system has no hard links: blank until it is written.
Made open_new(const std::filesystem::path& path, const std::string& text, Descriptor& file) {
  file = Descriptor(open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
  const Made opened = made(file.get());
  if (opened == Made::NoLinks) fail(path, "the lock cannot be made", errno);
  if (opened == Made::Yes) write_claim(path, file, text);
  return opened;
}

// The new lock file, or nothing when there is one. The folder may vanish in between: it is removed when empty.
std::optional<Descriptor> create(const std::filesystem::path& path, const std::string& text) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::error_code failure;
    std::filesystem::create_directories(path.parent_path(), failure);
    if (failure) fail(path.parent_path(), "the folder of the locks cannot be made", failure.value());
    Descriptor file;
    Made state = link_new(path, text, file);
    if (state == Made::NoLinks) state = open_new(path, text, file);
    if (state == Made::Yes) return file;
    if (state == Made::Exists) return std::nullopt;
  }
  fail(path, "the lock cannot be made", ENOENT);
}

}  // namespace

struct Lock::State {
  State(std::filesystem::path path_, std::string text_, Descriptor file_)
      : path(std::move(path_)), text(std::move(text_)), file(std::move(file_)) {}

  ~State() {
    {
      const std::scoped_lock guard(mutex);
      ending = true;
    }
    wake.notify_all();
    if (heart.joinable()) heart.join();
    for (int attempt = 0; attempt < 50 && !enter_transition(file); ++attempt) std::this_thread::sleep_for(1ms);
    if (owned()) unlink(path.c_str());
  }

  // Touches our file, whatever it is called now: never another's.
  void beat_every(milliseconds interval) {
    heart = std::thread([this, interval] {
      std::unique_lock guard(mutex);
      while (!wake.wait_for(guard, interval, [this] { return ending; })) futimens(file.get(), nullptr);
    });
  }

  bool owned() const {
    const Descriptor now(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return now && read_text(now) == text;
  }

  const std::filesystem::path path;
  const std::string text;
  const Descriptor file;
  std::mutex mutex;
  std::condition_variable wake;
  bool ending = false;
  std::thread heart;
};

std::optional<Lock> Lock::try_acquire(const std::filesystem::path& file, std::chrono::seconds max_age) {
  if (max_age < 1s) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("a lock's longest age is {} s: must be at least 1", max_age.count()));
  }
  const std::string text = claim_text(this_process());
  std::optional<Descriptor> created = create(file, text);
  if (!created && remove_stale(file, max_age)) created = create(file, text);
  if (!created) return std::nullopt;
  auto state = std::make_unique<State>(file, text, std::move(*created));
  state->beat_every(std::min<milliseconds>(max_age / 4, kLongestBeat));
  return Lock(std::move(state));
}

Lock::Lock(std::unique_ptr<State> state) : state_(std::move(state)) {}
Lock::~Lock() = default;
Lock::Lock(Lock&&) noexcept = default;
Lock& Lock::operator=(Lock&&) noexcept = default;

bool Lock::still_owned() const {
  return state_ && state_->owned();
}

}  // namespace hipt::cohort
