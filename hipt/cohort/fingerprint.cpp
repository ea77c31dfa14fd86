#include "hipt/cohort/fingerprint.h"

#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"

namespace hipt::cohort {
namespace {

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// How a value reads in a message: hashes are cut to what one compares by eye.
std::string shown(const Fingerprint& fingerprint, const std::string& name) {
  const auto entry = fingerprint.entries().find(name);
  if (entry == fingerprint.entries().end()) return "absent";
  if (is_sha256(entry->second)) return entry->second.substr(0, 12) + "...";
  return entry->second.empty() ? "\"\"" : entry->second;
}

}  // namespace

void Fingerprint::set(std::string name, std::string value) {
  entries_.insert_or_assign(std::move(name), std::move(value));
}

void Fingerprint::add(const OptionTexts& options) {
  for (const auto& [name, value] : options) set(name, value);
}

std::string Fingerprint::json() const {
  try {
    return nlohmann::json(entries_).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::InvalidArgument, "an option holds bytes that are not UTF-8 text; rename the file it names");
  }
}

std::optional<Fingerprint> Fingerprint::parse(const std::string& json) {
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  Fingerprint fingerprint;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) return std::nullopt;
    fingerprint.set(name, value.get<std::string>());
  }
  return fingerprint;
}

std::string difference(const Fingerprint& there, const Fingerprint& now) {
  std::set<std::string> names;
  for (const auto& [name, value] : there.entries()) names.insert(name);
  for (const auto& [name, value] : now.entries()) names.insert(name);
  std::vector<std::string> differences;
  for (const std::string& name : names) {
    const auto old_entry = there.entries().find(name);
    const auto new_entry = now.entries().find(name);
    const bool both = old_entry != there.entries().end() && new_entry != now.entries().end();
    if (both && old_entry->second == new_entry->second) continue;
    differences.push_back(fmt::format("{}: {} there, {} now", name, shown(there, name), shown(now, name)));
  }
  return fmt::format("{}", fmt::join(differences, "; "));
}

}  // namespace hipt::cohort
