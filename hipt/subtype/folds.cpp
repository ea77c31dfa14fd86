#include "hipt/subtype/folds.h"

#include <algorithm>
#include <random>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/bags/sampling.h"
#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/text.h"
#include "hipt/evaluate/metrics.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

// splits_<k>.csv, else splits_<k>_bool.csv; empty when neither is there.
fs::path split_file(const fs::path& folder, std::int64_t fold) {
  std::error_code ignored;
  for (const std::string_view kind : {"", "_bool"}) {
    fs::path file = folder / fmt::format("splits_{}{}.csv", fold, kind);
    if (fs::is_regular_file(file, ignored)) return file;
  }
  return {};
}

bool holds_splits(const fs::path& folder, std::int64_t folds) {
  for (std::int64_t fold = 0; fold < folds; ++fold) {
    if (!split_file(folder, fold).empty()) return true;
  }
  return false;
}

fs::path find_split_dir(const SubtypeOptions& options, const CohortData& data) {
  if (!options.data.split_dir.empty()) return options.data.split_dir;
  const std::int64_t k = options.folds.k;
  for (const fs::path& folder : {fs::path(), fs::path(options.data.data_root_dir)}) {
    fs::path published = folder / "splits" / "10foldcv_subtype" / cohort_name(data.task);
    if (holds_splits(published, k)) return published;
  }
  return fs::path(options.results.results_dir) / data.task.name /
         fmt::format("splits_{}foldcv_s{}", k, options.model.seed);
}

void make_missing_splits(const SubtypeOptions& options, const CohortData& data, const fs::path& folder,
                         RunContext& context) {
  if (holds_splits(folder, options.folds.k)) return;
  const auto splits = bags::make_splits(data.dataset, options.folds.k, static_cast<std::uint32_t>(options.model.seed));
  for (std::size_t k = 0; k < splits.size(); ++k) {
    bags::write_split(folder, static_cast<std::int64_t>(k), splits[k], data.dataset, class_names(data.task));
  }
  context.log.write(LogLevel::Info,
                    fmt::format("{}: {} splits made of whole patients", folder.string(), splits.size()));
}

void check_patients(const bags::Split& split, const CohortData& data, const DataOptions& options, RunContext& context) {
  if (split.shared_patients.empty()) return;
  std::vector<std::string> some = split.shared_patients;
  if (some.size() > 5) {
    some.resize(5);
    some.emplace_back("...");
  }
  const std::string message =
      fmt::format("{} with slides on two sides of the split ({}): its test is not of unseen patients",
                  counted(std::ssize(split.shared_patients), "patient", "patients"), fmt::join(some, ", "));
  const bool is_built_in = !data.task.studies.empty();
  if (!is_built_in && !options.allow_shared_patients) {
    throw Error(ErrorCode::InvalidArgument,
                message + "; --allow_shared_patients takes it so (the published splits are such)");
  }
  context.log.write(LogLevel::Warning, message);
}

std::string slides_hash(const bags::Split& split, const CohortData& data) {
  Sha256 hash;
  const auto add = [&](std::string_view side, const std::vector<std::size_t>& slides) {
    for (const std::size_t slide : slides) {
      const bags::DatasetSlide& entry = data.dataset.slides[slide];
      hash.update(fmt::format("{} {} {} {}\n", side, entry.slide_id, entry.label, data.bag_ids[slide]));
    }
  };
  add("train", split.train);
  add("val", split.validation);
  add("test", split.test);
  return hash.hex();
}

void sample_training(const SubtypeOptions& options, bags::Split& split) {
  if (options.data.prop == 1.0) return;
  std::vector<std::size_t> sampled;
  for (const std::size_t row :
       bags::pandas_sample(split.train.size(), options.data.prop, static_cast<std::uint32_t>(options.model.seed))) {
    sampled.push_back(split.train[row]);
  }
  split.train = std::move(sampled);
}

void check_classes(const bags::Split& split, const CohortData& data) {
  for (std::int64_t label = 0; label < data.dataset.classes; ++label) {
    const auto is_of_class = [&](std::size_t slide) { return data.dataset.slides[slide].label == label; };
    if (std::ranges::any_of(split.train, is_of_class)) continue;
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("none of the {} training slides is of class {} ({}): take a larger --prop, or other splits",
                            split.train.size(), label, class_names(data.task)[static_cast<std::size_t>(label)]));
  }
}

Fold find_fold(const SubtypeOptions& options, const CohortData& data, const fs::path& folder, std::int64_t number,
               RunContext& context) {
  Fold fold{.number = number, .split = {}, .fingerprint = {}};
  const fs::path file = split_file(folder, number);
  if (file.empty()) {
    throw Error(ErrorCode::NotFound,
                fmt::format("{} has no splits_{}.csv; --k {} asks for it", folder.string(), number, options.folds.k));
  }
  fold.split = bags::read_split(file, data.dataset);
  with_context(file.string(), [&] {
    check_patients(fold.split, data, options.data, context);
    sample_training(options, fold.split);
    check_classes(fold.split, data);
    if (options.folds.early_stopping && fold.split.validation.empty()) {
      throw Error(ErrorCode::InvalidArgument, "--early_stopping needs validation slides, and the split has none");
    }
  });
  return fold;
}

}  // namespace

Folds find_folds(const SubtypeOptions& options, const CohortData& data, const OptionTexts& more, RunContext& context) {
  Folds folds{.split_dir = find_split_dir(options, data), .folds = {}};
  make_missing_splits(options, data, folds.split_dir, context);
  cohort::Fingerprint common;
  common.add(output_options(options));
  common.set("classes", fmt::format("{}", fmt::join(class_names(data.task), " ")));
  common.set("input_dim", fmt::format("{}", data.input_dim));
  common.add(more);
  for (std::int64_t number = first_fold(options.folds); number < end_fold(options.folds); ++number) {
    Fold fold = find_fold(options, data, folds.split_dir, number, context);
    fold.fingerprint = common;
    fold.fingerprint.set("fold", fmt::format("{}", number));
    fold.fingerprint.set("slides", slides_hash(fold.split, data));
    folds.folds.push_back(std::move(fold));
  }
  return folds;
}

std::vector<std::size_t> training_order(const CrossValidationOptions& options, const CohortData& data,
                                        const std::vector<std::size_t>& train, std::int64_t seed, std::int64_t epoch) {
  std::seed_seq seeds{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(epoch)};
  std::mt19937_64 random(seeds);
  std::vector<std::size_t> order;
  order.reserve(train.size());
  if (!options.weighted_sample) {
    for (const std::size_t row : bags::numpy_permutation(train.size(), static_cast<std::uint32_t>(random()))) {
      order.push_back(train[row]);
    }
    return order;
  }
  std::vector<std::int64_t> labels;
  for (const std::size_t slide : train) labels.push_back(data.dataset.slides[slide].label);
  std::vector<double> sums;  // of the weights up to and with each row
  for (const double weight : evaluate::sampler_weights(labels, data.dataset.classes)) {
    sums.push_back((sums.empty() ? 0.0 : sums.back()) + weight);
  }
  for (std::size_t i = 0; i < train.size(); ++i) {
    const double drawn = static_cast<double>(random() >> 11) * 0x1p-53 * sums.back();
    const auto row = std::ranges::upper_bound(sums, drawn) - sums.begin();
    order.push_back(train[std::min(static_cast<std::size_t>(row), train.size() - 1)]);
  }
  return order;
}

}  // namespace hipt::subtype
