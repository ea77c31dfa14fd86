#include "hipt/evaluate/metrics.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::evaluate {
namespace {

std::vector<std::size_t> by_falling_score(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return order;
}

std::vector<bool> is_class(const Predictions& predictions, std::int64_t label) {
  std::vector<bool> positive(predictions.size());
  for (std::size_t i = 0; i < positive.size(); ++i) positive[i] = predictions.labels[i] == label;
  return positive;
}

// Rows seen so far above each threshold, one entry for each different score.
struct Counts {
  std::int64_t true_positives = 0;
  std::int64_t false_positives = 0;
};
std::vector<Counts> cumulative_counts(const std::vector<bool>& positive, std::span<const double> scores) {
  if (positive.size() != scores.size()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("ROC curve: {} labels for {} scores", positive.size(), scores.size()));
  }
  std::vector<Counts> counts;
  Counts now;
  const std::vector<std::size_t> order = by_falling_score(scores);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ++(positive[order[i]] ? now.true_positives : now.false_positives);
    if (i + 1 == order.size() || scores[order[i]] != scores[order[i + 1]]) counts.push_back(now);
  }
  return counts;
}

}  // namespace

std::vector<std::int64_t> predicted_classes(const Predictions& predictions) {
  std::vector<std::int64_t> predicted(predictions.size());
  const auto classes = static_cast<std::ptrdiff_t>(predictions.classes);
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const auto row = predictions.probabilities.begin() + static_cast<std::ptrdiff_t>(i) * classes;
    predicted[i] = std::max_element(row, row + classes) - row;
  }
  return predicted;
}

std::optional<double> accuracy(const Predictions& predictions) {
  if (predictions.size() == 0) return std::nullopt;
  const std::vector<std::int64_t> predicted = predicted_classes(predictions);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == predictions.labels[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(predictions.size());
}

std::optional<double> roc_auc(const std::vector<bool>& positive, std::span<const double> scores) {
  const std::vector<Counts> counts = cumulative_counts(positive, scores);
  if (counts.empty() || counts.back().true_positives == 0 || counts.back().false_positives == 0) return std::nullopt;
  double twice_area = 0;  // in pairs; whole numbers, so that no rounding adds up
  Counts before;
  for (const Counts& now : counts) {
    twice_area += static_cast<double>(now.false_positives - before.false_positives) *
                  static_cast<double>(now.true_positives + before.true_positives);
    before = now;
  }
  return twice_area / (2 * static_cast<double>(before.true_positives) * static_cast<double>(before.false_positives));
}

std::vector<std::optional<double>> auc_of_classes(const Predictions& predictions) {
  std::vector<std::optional<double>> areas;
  for (std::int64_t label = 0; label < predictions.classes; ++label) {
    areas.push_back(roc_auc(is_class(predictions, label), predictions.scores(label)));
  }
  return areas;
}

std::optional<double> auc(const Predictions& predictions) {
  if (predictions.classes == 2) return roc_auc(is_class(predictions, 1), predictions.scores(1));
  double sum = 0;
  std::int64_t count = 0;
  for (const std::optional<double>& area : auc_of_classes(predictions)) {
    if (!area) continue;
    sum += *area;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::vector<std::int64_t> confusion_matrix(const Predictions& predictions) {
  const auto classes = static_cast<std::size_t>(predictions.classes);
  std::vector<std::int64_t> matrix(classes * classes);
  const std::vector<std::int64_t> predicted = predicted_classes(predictions);
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    ++matrix[static_cast<std::size_t>(predictions.labels[i]) * classes + static_cast<std::size_t>(predicted[i])];
  }
  return matrix;
}

double macro_f1(const Predictions& predictions) {
  const auto classes = static_cast<std::size_t>(predictions.classes);
  const std::vector<std::int64_t> matrix = confusion_matrix(predictions);
  double sum = 0;
  std::int64_t present = 0;
  for (std::size_t label = 0; label < classes; ++label) {
    std::int64_t truth = 0;
    std::int64_t predicted = 0;
    for (std::size_t other = 0; other < classes; ++other) {
      truth += matrix[label * classes + other];
      predicted += matrix[other * classes + label];
    }
    if (truth + predicted == 0) continue;
    ++present;
    sum += 2 * static_cast<double>(matrix[label * classes + label]) / static_cast<double>(truth + predicted);
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

double balanced_accuracy(const Predictions& predictions) {
  const auto classes = static_cast<std::size_t>(predictions.classes);
  const std::vector<std::int64_t> matrix = confusion_matrix(predictions);
  double sum = 0;
  std::int64_t present = 0;
  for (std::size_t label = 0; label < classes; ++label) {
    const auto row = matrix.begin() + static_cast<std::ptrdiff_t>(label * classes);
    const std::int64_t truth = std::accumulate(row, row + predictions.classes, std::int64_t{0});
    if (truth == 0) continue;
    ++present;
    sum += static_cast<double>(matrix[label * classes + label]) / static_cast<double>(truth);
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

RocCurve roc_curve(const std::vector<bool>& positive, std::span<const double> scores) {
  const std::vector<Counts> counts = cumulative_counts(positive, scores);
  if (counts.empty() || counts.back().true_positives == 0 || counts.back().false_positives == 0) {
    throw Error(ErrorCode::InvalidArgument, "ROC curve: needs positive and negative rows");
  }
  RocCurve curve{{0}, {0}};

  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (i > 0 && i + 1 < counts.size()) {  // on the line from the point before to the point after: passed over
      const Counts& before = counts[i - 1];
      const Counts& after = counts[i + 1];
      if (counts[i].true_positives - before.true_positives == after.true_positives - counts[i].true_positives &&
          counts[i].false_positives - before.false_positives == after.false_positives - counts[i].false_positives) {
        continue;
      }
    }

    curve.false_positive_rate.push_back(static_cast<double>(counts[i].false_positives) /
                                        static_cast<double>(counts.back().false_positives));
    curve.true_positive_rate.push_back(static_cast<double>(counts[i].true_positives) /
                                       static_cast<double>(counts.back().true_positives));
  }
  return curve;
}

std::vector<double> sampler_weights(std::span<const std::int64_t> labels, std::int64_t classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
  for (const std::int64_t label : labels) {
    if (label < 0 || label >= classes) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("label {} of {} classes", label, classes));
    }
    ++counts[static_cast<std::size_t>(label)];
  }
  for (std::size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] == 0) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("class {} has no slide in the training part: its weight would be infinite", label));
    }
  }
  std::vector<double> weights;
  weights.reserve(labels.size());
  for (const std::int64_t label : labels) {
    weights.push_back(static_cast<double>(labels.size()) /
                      static_cast<double>(counts[static_cast<std::size_t>(label)]));
  }
  return weights;
}

}  // namespace hipt::evaluate
