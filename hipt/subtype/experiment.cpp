#include "hipt/subtype/experiment.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hipt::subtype {
namespace {

constexpr std::int64_t kPublishedWidth = 384;

// "vit4k_xs_dino" of a name, of "dir/vit4k_xs_dino.pth"; what would not do in a file's name becomes "-".
std::string weights_name(const std::string& argument) {
  std::string name = std::filesystem::path(argument).filename().string();
  for (const std::string_view extension : {".pth", ".pt", ".safetensors"}) {
    if (name.size() > extension.size() && name.ends_with(extension)) name.resize(name.size() - extension.size());
  }
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '.' && c != '-'; }, '-');
  return name;
}

// As Python's repr writes them.
std::string python(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}
std::string python(std::string_view text) {
  return python(std::string(text));
}
std::string python(bool truth) {
  return truth ? "True" : "False";
}
std::string python(std::int64_t number) {
  return fmt::format("{}", number);
}
std::string python(double number) {
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

}  // namespace

std::string model_code(const SubtypeOptions& options, std::int64_t input_dim) {
  std::string code(name_of(options.model.type));
  if (options.model.type == mil::ModelType::HiptLgp) {
    code +=
        fmt::format("[{}]{}_[None]", weights_name(options.folds.pretrain_4k), options.model.freeze_4k ? "_freeze" : "");
  }
  if (input_dim != kPublishedWidth) code += fmt::format("_{}", input_dim);
  return code;
}

std::string experiment_code(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim) {
  if (!options.results.exp_code.empty()) return options.results.exp_code;
  return fmt::format("{}_{}_{}_{:.2f}", task.name, model_code(options, input_dim), options.data.features,
                     options.data.prop);
}

ResultsFolder results_folder(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim) {
  return {std::filesystem::path(options.results.results_dir) / task.name /
          fmt::format("{}_none_s{}", experiment_code(options, task, input_dim), options.model.seed)};
}

std::string experiment_text(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim,
                            const std::filesystem::path& split_dir) {
  using mil::ModelType;
  std::vector<std::pair<std::string, std::string>> settings{
      {"num_splits", python(options.folds.k)},
      {"k_start", python(options.folds.k_start)},
      {"k_end", python(options.folds.k_end)},
      {"task", python(task.name)},
      {"max_epochs", python(options.folds.max_epochs)},
      {"results_dir", python(results_folder(options, task, input_dim).root.string())},
      {"lr", python(options.training.learning_rate)},
      {"experiment", python(experiment_code(options, task, input_dim))},
      {"reg", python(options.training.weight_decay)},
      {"label_frac", python(1.0)},
      {"bag_loss", python(name_of(options.model.bag_loss))},
      {"seed", python(options.model.seed)},
      {"model_type", python(name_of(options.model.type))},
      {"model_size", python(name_of(options.model.size))},
      {"use_drop_out", python(options.folds.drop_out)},
      {"weighted_sample", python(options.folds.weighted_sample)},
      {"opt", python(name_of(options.training.optimiser))}};
  if (options.model.type == ModelType::ClamSb || options.model.type == ModelType::ClamMb) {
    settings.insert(settings.end(), {{"bag_weight", python(options.training.bag_weight)},
                                     {"inst_loss", python(name_of(options.model.instance_loss))},
                                     {"B", python(options.model.instances_per_side)}});
  }
  settings.emplace_back("split_dir", python(split_dir.string()));
  std::vector<std::string> entries;
  for (const auto& [key, value] : settings) entries.push_back(fmt::format("'{}': {}", key, value));
  return fmt::format("{{{}}}\n", fmt::join(entries, ", "));
}

}  // namespace hipt::subtype
