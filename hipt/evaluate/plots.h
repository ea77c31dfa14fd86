#pragma once
// Pictures of results: PNG, drawn by gnuplot, in colours that colour-blind people tell apart (Okabe and Ito). All throw
// as draw() of gnuplot.h does, and InvalidArgument where there is nothing to draw.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hipt/evaluate/folds.h"
#include "hipt/evaluate/predictions.h"

namespace hipt::evaluate {

// ROC curves of one class against the rest, over folds: at false positive rates 0, 0.01 ... 1 the mean and the sample
// standard deviation of the true positive rate, folds joined linearly between their points; 0 at 0, 1 at 1. The areas
// are those of the folds. Folds where the class has no positive or no negative row are left out; nothing when none is
// left.
struct MeanRocCurve {
  std::vector<double> false_positive_rate;  // [101]
  std::vector<double> true_positive_rate;   // [101], of the mean
  std::vector<double> deviation;            // [101], 0 for one fold
  std::vector<double> areas;                // of the folds
};
std::optional<MeanRocCurve> mean_roc_curve(std::span<const Predictions> folds, std::int64_t label);

// What stands in the pictures. Classes without a name are called "class 2".
struct PlotTexts {
  std::string title;
  std::vector<std::string> class_names;
};

// Of two classes: every fold of class 1, their mean and a band of one standard deviation. Of more: mean and band of
// each class against the rest.
void plot_roc(const std::filesystem::path& png, std::span<const Predictions> folds, const PlotTexts& texts);

// All folds together: rows of the truth, columns of the prediction, slides and their part of the row.
void plot_confusion_matrix(const std::filesystem::path& png, std::span<const Predictions> folds,
                           const PlotTexts& texts);

// Mean losses of the epochs of a fold; validation may be empty.
struct LossCurves {
  std::vector<double> training;
  std::vector<double> validation;
};
// Thin lines for folds, thick ones for their mean over the epochs that all have.
void plot_losses(const std::filesystem::path& png, std::span<const LossCurves> folds, const PlotTexts& texts);

// A box an experiment (median, quartiles, whiskers to the last value within 1.5 times the box), a point a fold, a
// diamond at the mean. What all names say the same stands in the title, what differs below the boxes.
void plot_boxes(const std::filesystem::path& png, std::span<const Experiment> experiments, const std::string& metric);

}  // namespace hipt::evaluate
