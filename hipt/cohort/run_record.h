#pragma once
// runs/<time>-<id>.json: who ran what, when, where, and what became of every slide. The one place of a study's folder
// where host, time and absolute paths may stand; no other output depends on them.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "hipt/base/options.h"
#include "hipt/cohort/outcome.h"
#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"

namespace hipt::cohort {

class RunRecord {
 public:
  // Writes the record of a run that has begun ("status": "running"; a killed run leaves it so). Throws Io.
  RunRecord(const Source& source, const StudyFolder& folder, const std::string& verb, const OptionTexts& options,
            const OptionTexts& machine);
  ~RunRecord();
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  void add(const SlideEntry& slide, const Outcome& outcome, std::chrono::duration<double> time);

  // Writes it whole: "finished", "cancelled" or "failed" with its reason, and the slides that other processes held.
  void finish(const std::string& status, const std::string& reason, const std::vector<std::string>& locked);

  const std::filesystem::path& file() const { return file_; }

 private:
  void write() const;

  struct State;
  std::filesystem::path file_;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::cohort
