#include "hipt/cohort/outcome.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/cohort/lock.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/csv.h"

namespace hipt::cohort {
namespace {

using namespace std::chrono_literals;

// The list is rebuilt in seconds: a holder without a heartbeat for this long is gone.
constexpr std::chrono::seconds kListLockMaxAge = 60s;
constexpr std::chrono::seconds kLongestWait = 150s;

constexpr std::array kStatuses = {Status::Processed, Status::AlreadyExist, Status::Failed};

Outcome read_outcome(const std::filesystem::path& file) {
  const std::string text = io::read_text_file(file);
  try {
    const nlohmann::json record = nlohmann::json::parse(text);
    Outcome outcome;
    outcome.slide_id = record.at("slide_id").get<std::string>();
    const std::string word = record.at("status").get<std::string>();
    const auto status =
        std::find_if(kStatuses.begin(), kStatuses.end(), [&](Status s) { return to_string(s) == word; });
    if (status == kStatuses.end()) throw Error(ErrorCode::Corrupt, fmt::format("unknown status \"{}\"", word));
    outcome.status = *status;
    outcome.reason = record.at("reason").get<std::string>();
    outcome.columns = record.at("columns").get<decltype(outcome.columns)>();
    return outcome;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: not the outcome of a slide ({}); remove it and run the slide again", file.string(),
                            error.what()));
  }
}

bool says_processed(const std::filesystem::path& file) {
  try {
    return read_outcome(file).status == Status::Processed;
  } catch (const Error&) {
    return false;  // none yet, or a broken one, which is replaced
  }
}

// The columns of all outcomes: each where the first outcome that has it puts it, after its neighbour there.
std::vector<std::string> merged_columns(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> merged;
  for (const Outcome& outcome : outcomes) {
    auto place = merged.begin();
    for (const auto& [name, value] : outcome.columns) {
      const auto known = std::find(merged.begin(), merged.end(), name);
      place = (known != merged.end() ? known : merged.insert(place, name)) + 1;
    }
  }
  return merged;
}

io::CsvTable process_list_of(const std::vector<Outcome>& outcomes) {
  const std::vector<std::string> names = merged_columns(outcomes);
  io::CsvTable table;
  table.columns = {"slide_id", "process", "status"};
  table.columns.insert(table.columns.end(), names.begin(), names.end());
  table.columns.push_back("reason");
  for (const Outcome& outcome : outcomes) {
    std::vector<std::string> row = {outcome.slide_id, outcome.status == Status::Failed ? "1" : "0",
                                    std::string(to_string(outcome.status))};
    for (const std::string& name : names) {
      const auto cell = std::find_if(outcome.columns.begin(), outcome.columns.end(),
                                     [&](const auto& column) { return column.first == name; });
      row.push_back(cell == outcome.columns.end() ? "" : cell->second);
    }
    row.push_back(outcome.reason);
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Others rebuild the list too. Ours must come after them, or it could miss outcomes recorded meanwhile.
Lock wait_for_lock(const std::filesystem::path& file) {
  const auto give_up = std::chrono::steady_clock::now() + kLongestWait;
  while (std::chrono::steady_clock::now() < give_up) {
    if (std::optional<Lock> lock = Lock::try_acquire(file, kListLockMaxAge)) return std::move(*lock);
    std::this_thread::sleep_for(10ms);
  }
  throw Error(ErrorCode::Io, fmt::format("{}: held by another process for over {} s; remove it if no hipt is running",
                                         file.string(), kLongestWait.count()));
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::Processed:
      return "processed";
    case Status::AlreadyExist:
      return "already_exist";
    case Status::Failed:
      return "failed";
  }
  return "failed";
}

void record_outcome(const StudyFolder& folder, const std::string& id, const Outcome& outcome) {
  const std::filesystem::path file = folder.outcome(id);
  Status status = outcome.status;
  if (status == Status::AlreadyExist) {
    if (says_processed(file)) return;
    // The run that made the outputs ended before it could say so.
    status = Status::Processed;
  }
  const nlohmann::ordered_json record = {{"slide_id", outcome.slide_id},
                                         {"status", to_string(status)},
                                         {"reason", outcome.reason},
                                         {"columns", outcome.columns}};
  // A file name or a library's message need not be UTF-8.
  io::write_text_file(file, record.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

std::vector<Outcome> recorded_outcomes(const StudyFolder& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder.root / "outcomes", failure)) {
    const std::string name = entry.path().filename().string();
    const bool unfinished = name.find(".tmp-") != std::string::npos;  // io::AtomicFile's
    if (entry.path().extension() == ".json" && !unfinished) files.push_back(entry.path());
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::Io, fmt::format("{}: {}", (folder.root / "outcomes").string(), failure.message()));
  }
  std::sort(files.begin(), files.end());
  std::vector<Outcome> outcomes;
  for (const std::filesystem::path& file : files) outcomes.push_back(read_outcome(file));
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const Outcome& a, const Outcome& b) { return a.slide_id < b.slide_id; });
  return outcomes;
}

void rebuild_process_list(const StudyFolder& folder) {
  const Lock lock = wait_for_lock(folder.lock(folder.process_list().filename().string()));
  io::write_csv(folder.process_list(), process_list_of(recorded_outcomes(folder)));
}

}  // namespace hipt::cohort
