#include "hipt/subtype/fold_result.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"

namespace hipt::subtype {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Scalars& scalars) {
  Json object = Json::object();
  for (const auto& [name, value] : scalars) object[name] = value;
  return object;
}

Scalars scalars_of(const Json& object) {
  Scalars scalars;
  for (const auto& [name, value] : object.items()) scalars.emplace_back(name, value.get<double>());
  return scalars;
}

}  // namespace

std::optional<double> FoldResult::measure(const std::string& name) const {
  const auto found = std::ranges::find(final, name, &Scalars::value_type::first);
  return found == final.end() ? std::nullopt : std::optional(found->second);
}

std::string to_json(const FoldResult& result) {
  Json object;
  object["fold"] = result.fold;
  object["final"] = json_of(result.final);
  object["epochs"] = Json::array();
  for (const Scalars& epoch : result.epochs) object["epochs"].push_back(json_of(epoch));
  if (result.stopping.least_loss) {
    object["least_loss"] = *result.stopping.least_loss;
    object["epochs_since"] = result.stopping.since;
  }
  object["fingerprint"] = Json::parse(result.fingerprint.json());
  return object.dump(1) + "\n";
}

FoldResult fold_result_from_json(const std::string& text) {
  try {
    const Json object = Json::parse(text);
    FoldResult result;
    result.fold = object.at("fold").get<std::int64_t>();
    result.final = scalars_of(object.at("final"));
    for (const Json& epoch : object.at("epochs")) result.epochs.push_back(scalars_of(epoch));
    if (object.contains("least_loss")) {
      result.stopping = {object.at("least_loss").get<double>(), object.at("epochs_since").get<std::int64_t>()};
    }
    const auto fingerprint = cohort::Fingerprint::parse(object.at("fingerprint").dump());
    if (!fingerprint) throw Error(ErrorCode::Corrupt, "its fingerprint is none");
    result.fingerprint = *fingerprint;
    return result;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::Corrupt, "is no record of a fold; --no_auto_skip trains the fold anew");
  }
}

std::optional<FoldResult> read_fold_result(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  return with_context(file.string(), [&] { return fold_result_from_json(io::read_text_file(file)); });
}

}  // namespace hipt::subtype
