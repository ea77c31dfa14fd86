#include "hipt/subtype/train_fold.h"

#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/evaluate/metrics.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/tensorboard.h"
#include "hipt/mil/training_step.h"
#include "hipt/subtype/fold_state.h"
#include "hipt/train/thread.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPatience = 20;  // --early_stopping, as published
constexpr std::int64_t kLeastEpochs = 50;

bool is_clam(const SubtypeOptions& options) {
  const mil::ModelType type = options.model.type;
  return (type == mil::ModelType::ClamSb || type == mil::ModelType::ClamMb) && !options.training.no_inst_cluster;
}

// Right answers of each class.
class ClassCounts {
 public:
  explicit ClassCounts(std::int64_t classes) : right_(static_cast<std::size_t>(classes)), all_(right_.size()) {}

  void add(std::int64_t label, std::int64_t prediction) {
    const auto row = static_cast<std::size_t>(label);
    ++all_[row];
    if (label == prediction) ++right_[row];
  }
  // "train/class_0_acc" ... of the classes that occurred.
  void append_to(Scalars& scalars, std::string_view prefix) const {
    for (std::size_t label = 0; label < all_.size(); ++label) {
      if (all_[label] == 0) continue;
      scalars.emplace_back(fmt::format("{}class_{}_acc", prefix, label),
                           static_cast<double>(right_[label]) / static_cast<double>(all_[label]));
    }
  }

 private:
  std::vector<std::int64_t> right_;
  std::vector<std::int64_t> all_;
};

void append_class_accuracies(const Evaluation& evaluation, std::string_view prefix, Scalars& scalars) {
  ClassCounts counts(evaluation.predictions.classes);
  const std::vector<std::int64_t> predicted = evaluate::predicted_classes(evaluation.predictions);
  for (std::size_t i = 0; i < predicted.size(); ++i) counts.add(evaluation.predictions.labels[i], predicted[i]);
  counts.append_to(scalars, prefix);
}

// One fold in training.
class FoldTraining {
 public:
  FoldTraining(const FoldInputs& inputs, const Fold& fold, BagStore& bags, RunContext& context)
      : inputs_(inputs),
        options_(inputs.options),
        fold_(fold),
        bags_(bags),
        context_(context),
        model_(initial_model(inputs)),
        step_(model_, options_.training) {
    result_.fold = fold.number;
    result_.fingerprint = fold.fingerprint;
  }

  FoldResult run() {
    resume();
    if (options_.results.log_data) {
      events_ = std::make_unique<io::EventFileWriter>(inputs_.folder.events(fold_.number), std::ssize(result_.epochs));
    }
    bool stopped = false;
    for (std::int64_t epoch = std::ssize(result_.epochs); epoch < options_.folds.max_epochs && !stopped; ++epoch) {
      Scalars scalars = train_epoch(epoch);
      stopped = validate(epoch, scalars);
      log(epoch, scalars);
      log_events(epoch, scalars);
      result_.epochs.push_back(std::move(scalars));
      save_state();
    }
    finish();
    return std::move(result_);
  }

 private:
  Evaluation evaluate(const std::vector<std::size_t>& slides) {
    return evaluate_slides(inputs_.data, slides, bags_, step_, context_);
  }

  fs::path checkpoint() const { return inputs_.folder.checkpoint(fold_.number); }

  void resume() {
    auto resumed = read_fold_state(inputs_.folder.state(fold_.number), fold_.fingerprint, model_, step_);
    if (!resumed) return;
    result_ = std::move(*resumed);
    context_.progress.advance(std::ssize(result_.epochs) * std::ssize(fold_.split.train));
    context_.log.write(LogLevel::Info,
                       fmt::format("fold {}: goes on after epoch {}", fold_.number, std::ssize(result_.epochs) - 1));
  }

  Scalars train_epoch(std::int64_t epoch) {
    const std::vector<std::size_t> order =
        training_order(options_.folds, inputs_.data, fold_.split.train, options_.model.seed, epoch);
    BagStream stream(bags_, order);
    ClassCounts counts(inputs_.data.dataset.classes);
    double loss = 0.0, instance_loss = 0.0;
    std::int64_t errors = 0;
    step_.begin_epoch(epoch);
    for (const std::size_t slide : order) {
      context_.check_stop();
      const bags::DatasetSlide& entry = inputs_.data.dataset.slides[slide];
      const std::shared_ptr<const mil::Bag> bag = stream.next();
      const mil::StepResult step = with_context(entry.slide_id, [&] { return step_.train(*bag, entry.label); });
      if (!std::isfinite(step.bag_loss + step.instance_loss)) {
        throw Error(ErrorCode::InvalidArgument,
                    fmt::format("epoch {}: {}: the loss is no number any more; a smaller --lr may help", epoch,
                                entry.slide_id));
      }
      loss += step.bag_loss;
      instance_loss += step.instance_loss;
      errors += step.output.prediction != entry.label ? 1 : 0;
      counts.add(entry.label, step.output.prediction);
      context_.progress.advance(1);
    }
    step_.end_epoch();
    const auto slides = static_cast<double>(order.size());
    Scalars scalars{{"train/loss", loss / slides}, {"train/error", static_cast<double>(errors) / slides}};
    if (is_clam(options_)) scalars.emplace_back("train/clustering_loss", instance_loss / slides);
    counts.append_to(scalars, "train/");
    return scalars;
  }

  // True when training should end.
  bool validate(std::int64_t epoch, Scalars& scalars) {
    if (fold_.split.validation.empty()) return false;
    const Evaluation evaluation = evaluate(fold_.split.validation);
    scalars.emplace_back("val/loss", evaluation.loss);
    scalars.emplace_back("val/error", evaluation.error);
    if (const auto auc = evaluate::auc(evaluation.predictions)) scalars.emplace_back("val/auc", *auc);
    if (is_clam(options_)) scalars.emplace_back("val/inst_loss", evaluation.instance_loss);
    append_class_accuracies(evaluation, "val/", scalars);
    if (!options_.folds.early_stopping) return false;
    EarlyStopping& stopping = result_.stopping;
    if (stopping.least_loss && evaluation.loss > *stopping.least_loss) {
      return ++stopping.since >= kPatience && epoch > kLeastEpochs;
    }
    stopping = {evaluation.loss, 0};
    save_checkpoint();
    return false;
  }

  void log(std::int64_t epoch, const Scalars& scalars) {
    std::string text = fmt::format("fold {} epoch {}:", fold_.number, epoch);
    for (const auto& [name, value] : scalars) {
      if (name.find("class_") == std::string::npos) text += fmt::format(" {} {:.4f}", name, value);
    }
    context_.log.write(LogLevel::Debug, text);
  }

  void log_events(std::int64_t step, const Scalars& scalars) {
    if (!events_) return;
    for (const auto& [name, value] : scalars) events_->scalar(name, value, step);
    events_->flush();
  }

  void save_checkpoint() { model_.save(checkpoint(), {{"hipt.json", fold_.fingerprint.json()}}); }

  void save_state() {
    const auto now = Clock::now();
    const bool is_last = std::ssize(result_.epochs) >= options_.folds.max_epochs;
    if (is_last || now - saved_ < std::chrono::seconds(options_.results.save_every)) return;
    write_fold_state(inputs_.folder.state(fold_.number), result_, model_, step_);
    saved_ = now;
  }

  void finish() {
    if (options_.folds.early_stopping) {
      model_.load(mil::read_checkpoint(checkpoint()));
    } else {
      save_checkpoint();
    }
    Scalars& final = result_.final;
    if (!fold_.split.validation.empty()) {
      const Evaluation validation = evaluate(fold_.split.validation);
      final.emplace_back("final/val_error", validation.error);
      if (const auto auc = evaluate::auc(validation.predictions)) final.emplace_back("final/val_auc", *auc);
    }
    const Evaluation test = evaluate(fold_.split.test);
    final.emplace_back("final/test_error", test.error);
    if (const auto auc = evaluate::auc(test.predictions)) final.emplace_back("final/test_auc", *auc);
    append_class_accuracies(test, "final/test_", final);
    log_events(0, final);
    evaluate::write_results_pickle(inputs_.folder.predictions(fold_.number), test.predictions);
    io::write_text_file(inputs_.folder.fold(fold_.number), to_json(result_));
    std::error_code ignored;
    fs::remove(inputs_.folder.state(fold_.number), ignored);
  }

  using Clock = std::chrono::steady_clock;

  const FoldInputs& inputs_;
  const SubtypeOptions& options_;
  const Fold& fold_;
  BagStore& bags_;
  RunContext& context_;
  mil::Model model_;
  mil::TrainingStep step_;
  FoldResult result_;
  std::unique_ptr<io::EventFileWriter> events_;  // null without --log_data
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

mil::Model initial_model(const FoldInputs& inputs) {
  mil::ModelOptions options = inputs.options.model;
  options.classes = inputs.data.dataset.classes;
  options.input_dim = inputs.data.input_dim;
  if (!inputs.options.folds.drop_out) options.dropout = 0.0;
  mil::Model model(options);
  if (inputs.weights_4k) model.load_vit_4k(*inputs.weights_4k);
  return model;
}

Evaluation evaluate_slides(const CohortData& data, const std::vector<std::size_t>& slides, BagStore& bags,
                           const mil::TrainingStep& step, RunContext& context) {
  Evaluation evaluation;
  evaluation.predictions.classes = data.dataset.classes;
  BagStream stream(bags, slides);
  std::int64_t wrong = 0;
  for (const std::size_t slide : slides) {
    context.check_stop();
    const bags::DatasetSlide& entry = data.dataset.slides[slide];
    const std::shared_ptr<const mil::Bag> bag = stream.next();
    const mil::StepResult result = with_context(entry.slide_id, [&] { return step.evaluate(*bag, entry.label); });
    evaluation.loss += result.bag_loss;
    evaluation.instance_loss += result.instance_loss;
    wrong += result.output.prediction == entry.label ? 0 : 1;
    evaluation.predictions.slide_ids.push_back(entry.slide_id);
    evaluation.predictions.labels.push_back(entry.label);
    for (const float value : result.output.probabilities.as<float>()) {
      evaluation.predictions.probabilities.push_back(static_cast<double>(value));
    }
  }
  const auto count = static_cast<double>(slides.size());
  evaluation.loss /= count;
  evaluation.instance_loss /= count;
  evaluation.error = static_cast<double>(wrong) / count;
  return evaluation;
}

FoldResult train_fold(const FoldInputs& inputs, const Fold& fold, BagStore& bags, RunContext& context) {
  train::prepare_training_thread();
  return with_context(fmt::format("fold {}", fold.number), [&] {
    const fs::path record = inputs.folder.fold(fold.number);
    if (inputs.options.results.no_auto_skip) {
      fs::remove(record);
      fs::remove(inputs.folder.state(fold.number));
    } else if (auto done = read_fold_result(record)) {
      require_equal_fold(record, done->fingerprint, fold.fingerprint);
      context.progress.advance(inputs.options.folds.max_epochs * std::ssize(fold.split.train));
      return *std::move(done);
    }
    bags::write_split(inputs.folder.root, fold.number, fold.split, inputs.data.dataset, class_names(inputs.data.task));
    return FoldTraining(inputs, fold, bags, context).run();
  });
}

}  // namespace hipt::subtype
