#pragma once
// Locks between processes and machines on a shared folder. The promise: each output is committed once and is
// byte-equal, not that no work is ever done twice.
//
// A lock is a file that holds host, boot id, pid and start time; its modification time is the heartbeat. It is written
// under another name and linked, so that it is whole from the start (made with O_CREAT|O_EXCL where there are no
// links). It is stale when its process is dead on this host and boot, or when no heartbeat came for `max_age`. A stale
// lock is taken over by renaming it to a unique name first; ownership is checked again before an output is renamed into
// place.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

namespace hipt::cohort {

class Lock {
 public:
  // Nothing when another live process holds it.
  static std::optional<Lock> try_acquire(const std::filesystem::path& file, std::chrono::seconds max_age);
  ~Lock();  // removes the file when still ours
  Lock(Lock&&) noexcept;
  Lock& operator=(Lock&&) noexcept;

  // Whether the file still names us (another may have taken it over after a long pause). Check before committing.
  bool still_owned() const;

 private:
  struct State;
  explicit Lock(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // beats the heart from a thread of its own
};

}  // namespace hipt::cohort
