#pragma once
// Which process on which machine: what a lock names, so that others can tell whether its holder still lives.

#include <cstdint>
#include <string>

namespace hipt::cohort {

struct ProcessIdentity {
  std::string host;
  std::string boot;           // id of the machine's present start; process numbers mean nothing beyond it
  std::string pid_namespace;  // nor beyond the container
  std::int64_t pid = 0;
  std::int64_t started = 0;  // clock ticks after boot: tells a process from a later one with the same number
  bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity this_process();

// Certainly dead: same machine, boot and container, and no such process now, or a later one of its number, or one that
// only waits for its parent to notice. False whenever that cannot be known from here.
bool is_dead(const ProcessIdentity& process);

}  // namespace hipt::cohort
