#include "bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/base/error.h"

#include "bench/bench.h"

namespace hipt::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

ChildRun run_hipt(const std::vector<std::string>& arguments) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "hipt";
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0);
  }
  int status = -1;
  rusage usage{};
  ChildRun run;
  run.seconds = seconds_of([&] {
    pid_t child = 0;
    if (posix_spawn(&child, program.c_str(), &actions, nullptr, pointers.data(), environ) == 0) {
      wait4(child, &status, 0, &usage);
    }
  });
  posix_spawn_file_actions_destroy(&actions);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(ErrorCode::Internal, fmt::format("{} failed with status {}", fmt::join(words, " "), status));
  }
  run.processor = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  run.peak_megabytes = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  return run;
}

ScratchFolder::ScratchFolder() {
  static int count = 0;
  path_ = std::filesystem::temp_directory_path() / fmt::format("hipt-bench-{}-{}", getpid(), count++);
  std::filesystem::create_directories(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hipt::bench
