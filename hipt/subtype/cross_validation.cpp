#include "hipt/subtype/cross_validation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/evaluate/summary.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/weight_files.h"
#include "hipt/subtype/bag_loader.h"
#include "hipt/subtype/memory.h"
#include "hipt/subtype/region_vectors.h"
#include "hipt/subtype/result_plots.h"
#include "hipt/subtype/train_fold.h"
#include "hipt/train/thread.h"
#include "hipt/vit/weights.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

// --pretrain_4k: None, a published name, a file, random:SALT.
std::shared_ptr<const vit::Weights> weights_4k_of(const std::string& argument, RunContext& context) {
  if (argument == "None") return nullptr;
  const bool is_name = argument.find_first_of("./:") == std::string::npos;
  const std::string source = is_name ? io::find_weights(argument + ".pth", "pretrain_4k") : argument;
  if (io::formula_salt(source)) {
    context.log.write(LogLevel::Warning, "RANDOM WEIGHTS of ViT-4096: they show that the program works, no more");
  }
  return vit::weights_from(source, vit::named_config("vit4k_xs"));
}

std::vector<std::size_t> used_slides(const Folds& folds) {
  std::set<std::size_t> used;
  for (const Fold& fold : folds.folds) {
    for (const auto* part : {&fold.split.train, &fold.split.validation, &fold.split.test}) {
      used.insert(part->begin(), part->end());
    }
  }
  return {used.begin(), used.end()};
}

// By the size of its file; a region counts as one where the model takes regions.
std::int64_t most_instances(const CohortData& data, const std::vector<std::size_t>& slides) {
  std::uintmax_t largest = 0;
  for (const std::size_t slide : slides) largest = std::max(largest, fs::file_size(data.bag_files[slide]));
  const std::int64_t patches = data.mode == BagMode::Pyramid ? 256 : 1;
  return static_cast<std::int64_t>(largest) / (4 * data.input_dim * patches) + 1;
}

// Half of what is left after the folds keeps bags.
struct MemoryPlan {
  std::size_t folds_at_once = 1;
  std::int64_t bags_bytes = 0;
};
MemoryPlan plan_memory(const FoldInputs& inputs, const Folds& folds, const std::vector<std::size_t>& slides,
                       RunContext& context) {
  mil::ModelOptions model = inputs.options.model;
  model.input_dim = inputs.data.input_dim;
  const std::int64_t available = available_memory_bytes();
  const std::int64_t one = training_bytes(model, most_instances(inputs.data, slides));
  const auto wanted = static_cast<std::int64_t>(std::min(context.pool.size(), folds.folds.size()));
  const std::int64_t at_once = std::clamp<std::int64_t>(available * 3 / 4 / one, 1, wanted);
  if (at_once < wanted) {
    context.log.write(
        LogLevel::Info,
        fmt::format("{} of {} folds at once: the largest bag takes about {:.1f} GB in training, and "
                    "{:.1f} GB are free",
                    at_once, wanted, static_cast<double>(one) / 1e9, static_cast<double>(available) / 1e9));
  }
  return {static_cast<std::size_t>(at_once), std::max<std::int64_t>(available - at_once * one, 0) / 2};
}

std::vector<FoldResult> train_folds(const FoldInputs& inputs, const Folds& folds, BagStore& bags, std::size_t at_once,
                                    RunContext& context) {
  std::int64_t slides = 0;
  for (const Fold& fold : folds.folds) slides += std::ssize(fold.split.train) * inputs.options.folds.max_epochs;
  context.progress.begin(fmt::format("{} folds", folds.folds.size()), slides, "slides");
  std::vector<FoldResult> results(folds.folds.size());
  std::atomic<std::size_t> next = 0;
  context.pool.parallel_for(
      at_once,
      [&](std::size_t) {
        for (std::size_t i = next++; i < results.size(); i = next++) {
          results[i] = train_fold(inputs, folds.folds[i], bags, context);
          context.log.write(LogLevel::Info,
                            fmt::format("fold {}: test AUC {:.4f}, accuracy {:.4f}", results[i].fold,
                                        results[i].measure("final/test_auc").value_or(std::nan("")),
                                        1.0 - results[i].measure("final/test_error").value_or(std::nan(""))));
        }
      },
      context.stop);
  return results;
}

evaluate::Experiment experiment_of(const std::vector<FoldResult>& folds) {
  evaluate::Experiment experiment;
  experiment.metrics = {"test_auc", "val_auc", "test_acc", "val_acc"};
  experiment.values.resize(experiment.metrics.size());
  for (const FoldResult& fold : folds) {
    const auto accuracy = [&](const std::string& error) {
      const auto value = fold.measure(error);
      return value ? std::optional(1.0 - *value) : std::nullopt;
    };
    experiment.folds.push_back(fold.fold);
    experiment.values[0].push_back(fold.measure("final/test_auc"));
    experiment.values[1].push_back(fold.measure("final/val_auc"));
    experiment.values[2].push_back(accuracy("final/test_error"));
    experiment.values[3].push_back(accuracy("final/val_error"));
  }
  return experiment;
}

// The options of a fold without what belongs to the fold alone.
cohort::Fingerprint common_part(const cohort::Fingerprint& fingerprint) {
  cohort::Fingerprint common;
  for (const auto& [name, value] : fingerprint.entries()) {
    if (name != "fold" && name != "slides") common.set(name, value);
  }
  return common;
}

// All k folds, when other runs of the same options have finished those that are not of this one.
std::optional<std::vector<FoldResult>> all_folds(const ResultsFolder& folder, std::int64_t k,
                                                 const cohort::Fingerprint& common) {
  std::vector<FoldResult> folds;
  for (std::int64_t number = 0; number < k; ++number) {
    auto fold = read_fold_result(folder.fold(number));
    if (!fold || common_part(fold->fingerprint) != common) return std::nullopt;
    folds.push_back(*std::move(fold));
  }
  return folds;
}

fs::path write_summaries(const SubtypeOptions& options, const ResultsFolder& folder,
                         const std::vector<FoldResult>& folds) {
  const std::int64_t k = options.folds.k;
  if (const auto all = all_folds(folder, k, common_part(folds.front().fingerprint))) {
    evaluate::write_summary_csv(folder.summary(), experiment_of(*all));
    if (std::ssize(folds) == k) return folder.summary();
  }
  const fs::path file = folder.partial_summary(first_fold(options.folds), end_fold(options.folds));
  evaluate::write_summary_csv(file, experiment_of(folds));
  return file;
}

}  // namespace

CrossValidation cross_validate(const SubtypeOptions& options, RunContext& context) {
  check(options);
  train::prepare_training_thread();
  const CohortData data = find_cohort(options, context);
  const auto weights_4k = weights_4k_of(options.folds.pretrain_4k, context);
  const BagLoader loader(options, data, context);
  const Folds folds = find_folds(
      options, data, {{"weights4k", weights_4k ? weights_4k->sha256() : ""}, {"clusters", loader.clusters_hash()}},
      context);
  const std::vector<std::size_t> slides = used_slides(folds);
  loader.make_graphs(slides, context);

  CrossValidation result{.folder = results_folder(options, data.task, data.input_dim), .folds = {}, .table = {}};
  io::remove_stale_temporaries(result.folder.root);
  io::write_text_file(
      result.folder.root / fmt::format("experiment_{}.txt", experiment_code(options, data.task, data.input_dim)),
      experiment_text(options, data.task, data.input_dim, folds.split_dir));

  BagStore::Load load = [&](std::size_t slide) { return loader.load(slide); };
  const FoldInputs inputs{options, data, weights_4k, result.folder};
  const MemoryPlan plan = plan_memory(inputs, folds, slides, context);
  std::optional<RegionVectors> vectors;
  if (options.model.freeze_4k) {
    vectors.emplace(cache_folder(options.results) / "region_vectors", frozen_weights_hash(initial_model(inputs)));
    vectors->encode(inputs, slides, context);
    load = [&](std::size_t slide) { return vectors->load(data, slide); };
  }
  BagStore bags(data.dataset.slides.size(), load, plan.bags_bytes);
  result.folds = train_folds(inputs, folds, bags, plan.folds_at_once, context);
  const fs::path summary = write_summaries(options, result.folder, result.folds);
  result.table = evaluate::summary_table({summary.string()}, {});
  plot_results(result.folder, result.folds, class_names(data.task), context);
  return result;
}

}  // namespace hipt::subtype
