#pragma once
// Slides copied ahead from slow storage to a local disk (--cache_dir), so that reading them does not wait for a
// network.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "hipt/base/run_context.h"

namespace hipt::cohort {

struct CacheLimits {
  std::size_t slides = 8;          // copies there at once
  std::int64_t bytes = INT64_MAX;  // that they take together
};

// A thread copies the slides in the order given into a folder of its own below `folder`, within the limits. Only what
// it copied is ever removed; what killed runs left there is removed at the start, when their process is certainly dead.
// A copy has its name only when it is whole. Slides of several files (.mrxs with its folder, .vms and .vmu with what
// they name, DICOM with its neighbours) are copied with them. Safe from many threads at once.
class SlideCache {
 public:
  // Throws Io when the folder cannot be written.
  SlideCache(std::filesystem::path folder, std::vector<std::filesystem::path> slides, CacheLimits limits,
             RunContext& context);
  ~SlideCache();  // stops copying and removes every copy
  SlideCache(const SlideCache&) = delete;
  SlideCache& operator=(const SlideCache&) = delete;

  // Where to read slide `index`: waits for its copy, which is kept until `release`. A slide that others wait for is
  // copied before those that are copied ahead, and takes their room when there is none left.
  // The original itself when it was passed over, is larger than the limit, or the disk is full (the log then says so
  // once). Throws what copying gave (NotFound, Io), naming the original, and Cancelled.
  std::filesystem::path acquire(std::size_t index);
  // Ends one `acquire`; the last one removes the copy.
  void release(std::size_t index);
  // Not to be copied: its work is done, or another process has it.
  void pass_over(std::size_t index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::cohort
