#pragma once
// Measures of classification as the published program takes them, by scikit-learn's definitions.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hipt/evaluate/predictions.h"

namespace hipt::evaluate {

// The class of largest probability of each row, the first of equals (numpy's argmax).
std::vector<std::int64_t> predicted_classes(const Predictions& predictions);

// Part of the rows whose largest probability is the label's. Nothing without rows.
std::optional<double> accuracy(const Predictions& predictions);

// Area under the ROC curve: the probability that a positive row scores higher than a negative one, ties counting half
// (what scikit-learn's trapezoids give). Nothing when all rows are positive, or none.
std::optional<double> roc_auc(const std::vector<bool>& positive, std::span<const double> scores);

// One against the rest for each class; nothing for a class that no row or every row has.
std::vector<std::optional<double>> auc_of_classes(const Predictions& predictions);

// What summary.csv holds: of two classes that of class 1, of more the mean of auc_of_classes without those that have
// none. Nothing when no class has one.
std::optional<double> auc(const Predictions& predictions);

// Rows of the truth, columns of the prediction: [classes, classes].
std::vector<std::int64_t> confusion_matrix(const Predictions& predictions);

// Means over the classes that the truth or the prediction has: F1 (2 TP / (2 TP + FP + FN)), as
// f1_score(average="macro"), and over those that the truth has: recall, as balanced_accuracy_score.
double macro_f1(const Predictions& predictions);
double balanced_accuracy(const Predictions& predictions);

// From (0, 0) to (1, 1), one point for each score that changes the curve's direction (scikit-learn's roc_curve with
// drop_intermediate).
struct RocCurve {
  std::vector<double> false_positive_rate;
  std::vector<double> true_positive_rate;
};
// Throws InvalidArgument when all rows are positive, or none.
RocCurve roc_curve(const std::vector<bool>& positive, std::span<const double> scores);

// Weights of the published WeightedRandomSampler: rows over rows of the class, for each row. Throws InvalidArgument for
// a class without rows (the published program divides by zero there) or a label that is no class.
std::vector<double> sampler_weights(std::span<const std::int64_t> labels, std::int64_t classes);

}  // namespace hipt::evaluate
