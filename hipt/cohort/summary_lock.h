#pragma once
// The lock of a file that sums up a whole study and is rebuilt by every run: the process list, the report.

#include <filesystem>

#include "hipt/cohort/lock.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

// Waits while another process rebuilds `file`: ours must come after it, or it could miss outcomes recorded meanwhile.
// Throws Io when it holds the lock for minutes.
Lock lock_summary(const StudyFolder& folder, const std::filesystem::path& file);

}  // namespace hipt::cohort
