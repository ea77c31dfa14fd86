#pragma once
// The lock of a file that sums up a whole study and is rebuilt by every run: the process list, the report.

#include <filesystem>
#include <optional>

#include "hipt/cohort/lock.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

// Its end removes the folder of the locks with it, when nobody else has a lock there.
class SummaryLock {
 public:
  // Waits while another process rebuilds `file`: ours must come after it, or it could miss outcomes recorded meanwhile.
  // Throws Io when it holds the lock for minutes.
  SummaryLock(const StudyFolder& folder, const std::filesystem::path& file);
  ~SummaryLock();
  SummaryLock(const SummaryLock&) = delete;
  SummaryLock& operator=(const SummaryLock&) = delete;

 private:
  std::filesystem::path file_;
  std::optional<Lock> lock_;
};

}  // namespace hipt::cohort
