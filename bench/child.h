#pragma once
// The program itself, run as its users do: what a whole process costs.

#include <filesystem>
#include <string>
#include <vector>

namespace hipt::bench {

struct ChildRun {
  double seconds = 0;         // from start to end
  double processor = 0;       // seconds of all its threads
  double peak_megabytes = 0;  // resident
};

// Runs the program `hipt` of this build, silent. Throws Internal when it ends with another status than 0.
ChildRun run_hipt(const std::vector<std::string>& arguments);

// A folder for the results of one round, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hipt::bench
