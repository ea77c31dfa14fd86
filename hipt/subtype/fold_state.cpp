#include "hipt/subtype/fold_state.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/state_dict.h"
#include "hipt/io/torch_file.h"

namespace hipt::subtype {
namespace {

constexpr std::string_view kRecord = "fold.json";
constexpr std::string_view kModel = "model.";
constexpr std::string_view kOptimiser = "optimiser.";
constexpr std::string_view kFrozenPrefix = "local_vit.";

// The entries of `state` whose names begin with `prefix`, which is taken off.
io::StateDict part(const io::StateDict& state, std::string_view prefix) {
  io::StateDict found;
  for (const auto& [name, tensor] : state.tensors) {
    if (name.starts_with(prefix)) found.tensors.emplace(name.substr(prefix.size()), tensor);
  }
  return found;
}

}  // namespace

void require_equal_fold(const std::filesystem::path& file, const cohort::Fingerprint& there,
                        const cohort::Fingerprint& now) {
  if (there == now) return;
  throw Error(
      ErrorCode::InvalidArgument,
      fmt::format("{}: was trained otherwise ({}); choose another --results_dir or --exp_code, or train it anew "
                  "with --no_auto_skip",
                  file.string(), cohort::difference(there, now)));
}

void write_fold_state(const std::filesystem::path& file, const FoldResult& result, const mil::Model& model,
                      const mil::TrainingStep& step) {
  std::vector<std::pair<std::string, Array>> arrays;
  for (auto& [name, array] : model.state()) {
    if (model.options().freeze_4k && name.starts_with(kFrozenPrefix)) continue;
    arrays.emplace_back(std::string(kModel) + name, std::move(array));
  }
  for (auto& [name, array] : step.state()) arrays.emplace_back(std::string(kOptimiser) + name, std::move(array));
  std::vector<std::pair<std::string, const Array*>> tensors;
  for (const auto& [name, array] : arrays) tensors.emplace_back(name, &array);
  io::AtomicFile output(file);
  io::write_torch_tensors(output.temporary_path(), tensors, {{std::string(kRecord), to_json(result)}});
  output.commit();
}

std::optional<FoldResult> read_fold_state(const std::filesystem::path& file, const cohort::Fingerprint& fingerprint,
                                          mil::Model& model, mil::TrainingStep& step) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  const std::optional<std::string> record = io::read_torch_record(file, kRecord);
  return with_context(file.string(), [&] {
    if (!record) throw Error(ErrorCode::Corrupt, "is no state of a fold");
    FoldResult result = fold_result_from_json(*record);
    require_equal_fold(file.filename(), result.fingerprint, fingerprint);
    const io::StateDict state = io::read_state_dict(file, {});
    io::StateDict parameters = part(state, kModel);
    for (auto& [name, array] : model.state()) {
      if (model.options().freeze_4k && name.starts_with(kFrozenPrefix)) {
        parameters.tensors.emplace(name, std::make_shared<const Array>(std::move(array)));
      }
    }
    model.load(parameters);
    step.load_state(part(state, kOptimiser));
    return std::optional(std::move(result));
  });
}

}  // namespace hipt::subtype
