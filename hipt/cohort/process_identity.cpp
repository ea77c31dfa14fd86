#include "hipt/cohort/process_identity.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

namespace hipt::cohort {
namespace {

struct ProcessState {
  char state = '?';
  std::int64_t started = 0;
};

// Fields 3 and 22 of /proc/<pid>/stat, counted after the program's name, which may hold blanks and parentheses.
std::optional<ProcessState> state_of(std::int64_t pid) {
  std::ifstream stream(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(stream, line, '\0')) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessState found;
  fields >> found.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> found.started;
  if (!fields) return std::nullopt;
  return found;
}

// Host, boot and container do not change while the process runs; a fork changes the rest.
ProcessIdentity this_machine() {
  ProcessIdentity identity;
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  identity.host = host.data();
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::getline(boot, identity.boot);
  std::error_code ignored;
  identity.pid_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
  return identity;
}

}  // namespace

ProcessIdentity this_process() {
  ProcessIdentity identity = this_machine();
  identity.pid = getpid();
  if (const auto state = state_of(identity.pid)) identity.started = state->started;
  return identity;
}

bool is_dead(const ProcessIdentity& process) {
  const ProcessIdentity here = this_machine();
  const bool visible = !process.boot.empty() && process.host == here.host && process.boot == here.boot &&
                       process.pid_namespace == here.pid_namespace;
  if (!visible || process.pid <= 0) return false;
  if (kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return true;
  const auto state = state_of(process.pid);
  if (!state) return false;  // /proc may hide the processes of other users
  return state->started != process.started || state->state == 'Z' || state->state == 'X';
}

}  // namespace hipt::cohort
