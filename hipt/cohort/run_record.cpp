#include "hipt/cohort/run_record.h"

#include <cmath>
#include <ctime>
#include <random>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/cpu.h"
#include "hipt/base/version.h"
#include "hipt/cohort/process_identity.h"
#include "hipt/io/atomic_file.h"
#include "hipt/slide/slide.h"

namespace hipt::cohort {
namespace {

using nlohmann::ordered_json;

std::string utc(std::time_t time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time));
}

std::string absolute_text(const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::path full = std::filesystem::absolute(path, failure);
  return failure ? path.string() : full.string();
}

// Two runs may begin in the same second on two machines.
std::filesystem::path record_name(std::time_t time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:08x}.json", fmt::gmtime(time), std::random_device{}());
}

ordered_json versions() {
  ordered_json versions = {{"hipt", version()}};
  if (const auto library = slide::openslide_library()) versions["openslide"] = library->version;
  return versions;
}

ordered_json object_of(const OptionTexts& texts) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : texts) object[name] = value;
  return object;
}

}  // namespace

struct RunRecord::State {
  ordered_json json;
};

RunRecord::RunRecord(const Source& source, const StudyFolder& folder, const std::string& verb,
                     const OptionTexts& options, const OptionTexts& machine)
    : state_(std::make_unique<State>()) {
  const std::time_t now = std::time(nullptr);
  file_ = folder.runs() / record_name(now);
  const ProcessIdentity process = this_process();
  ordered_json& json = state_->json;
  json["verb"] = verb;
  json["status"] = "running";
  json["reason"] = "";
  json["started"] = utc(now);
  json["finished"] = nullptr;
  json["versions"] = versions();
  json["host"] = process.host;
  json["pid"] = process.pid;
  json["machine"] = object_of(machine);
  json["peak_memory_bytes"] = nullptr;
  json["folder"] = absolute_text(folder.root);
  json["options"] = object_of(options);
  json["slide_count"] = source.slides.size();
  json["slides"] = ordered_json::array();
  json["locked"] = ordered_json::array();
  json["passed_over"] = ordered_json::array();
  for (const std::filesystem::path& file : source.not_slides) json["passed_over"].push_back(absolute_text(file));
  write();
}

RunRecord::~RunRecord() = default;

void RunRecord::add(const SlideEntry& slide, const Outcome& outcome, std::chrono::duration<double> time) {
  ordered_json entry;
  entry["slide"] = absolute_text(slide.path);
  if (slide.mpp) entry["mpp"] = *slide.mpp;
  entry["status"] = to_string(outcome.status);
  entry["reason"] = outcome.reason;
  entry["seconds"] = std::round(time.count() * 1000.0) / 1000.0;
  state_->json["slides"].push_back(std::move(entry));
}

void RunRecord::finish(const std::string& status, const std::string& reason, const std::vector<std::string>& locked) {
  state_->json["status"] = status;
  state_->json["reason"] = reason;
  state_->json["finished"] = utc(std::time(nullptr));
  state_->json["peak_memory_bytes"] = peak_resident_bytes();
  state_->json["locked"] = locked;
  write();
}

void RunRecord::write() const {
  // Paths need not be UTF-8.
  io::write_text_file(file_, state_->json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace hipt::cohort
