#include "hipt/cohort/outcome.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"

namespace hipt::cohort {
namespace {

constexpr std::array kStatuses = {Status::Processed, Status::AlreadyExist, Status::Failed, Status::ToBeProcessed};

Outcome read_outcome(const std::filesystem::path& file) {
  const std::string text = io::read_text_file(file);
  try {
    const nlohmann::json record = nlohmann::json::parse(text);
    Outcome outcome;
    outcome.id = file.stem().string();
    outcome.slide_id = record.at("slide_id").get<std::string>();
    const std::string word = record.at("status").get<std::string>();
    const auto status =
        std::find_if(kStatuses.begin(), kStatuses.end(), [&](Status s) { return to_string(s) == word; });
    if (status == kStatuses.end()) throw Error(ErrorCode::Corrupt, fmt::format("unknown status \"{}\"", word));
    outcome.status = *status;
    outcome.reason = record.at("reason").get<std::string>();
    outcome.columns = record.at("columns").get<Columns>();
    if (record.contains("list_row")) outcome.list_row = record.at("list_row").get<std::size_t>();
    return outcome;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: not the outcome of a slide ({}); remove it and run the slide again", file.string(),
                            error.what()));
  }
}

// What is on record; nothing when there is no record yet, or a broken one, which is replaced.
std::optional<Outcome> find_outcome(const std::filesystem::path& file) {
  try {
    return read_outcome(file);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool replaces(const Outcome& outcome, const Outcome& before) {
  const bool stands = before.status == Status::Processed;
  return outcome.status != Status::ToBeProcessed &&
         !(stands && (outcome.status == Status::AlreadyExist || outcome.earlier_stands));
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
    case Status::ToBeProcessed:
      return "tbp";
  }
  return "failed";
}

void keep_columns(Columns& columns, const Columns& before) {
  auto place = columns.begin();
  for (const auto& cell : before) {
    const auto known =
        std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.first == cell.first; });
    place = (known != columns.end() ? known : columns.insert(place, cell)) + 1;
  }
}

void record_outcome(const StudyFolder& folder, const std::string& id, const Outcome& outcome) {
  const std::filesystem::path file = folder.outcome(id);
  const std::optional<Outcome> before = find_outcome(file);
  if (before && !replaces(outcome, *before)) return;
  Columns columns = outcome.columns;
  if (before) keep_columns(columns, before->columns);
  keep_columns(columns, outcome.asked);
  // The run that made the outputs ended before it could say so.
  const Status status = outcome.status == Status::AlreadyExist ? Status::Processed : outcome.status;
  nlohmann::ordered_json record = {
      {"slide_id", outcome.slide_id}, {"status", to_string(status)}, {"reason", outcome.reason}, {"columns", columns}};
  if (outcome.list_row) record["list_row"] = *outcome.list_row;
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

}  // namespace hipt::cohort
