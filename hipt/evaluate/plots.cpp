#include "hipt/evaluate/plots.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/evaluate/gnuplot.h"
#include "hipt/evaluate/metrics.h"
#include "hipt/evaluate/summary.h"

namespace hipt::evaluate {
namespace {

constexpr std::size_t kRocSteps = 100;
constexpr std::int64_t kMostClasses = 30;
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
constexpr const char* kStyle =
    "set border 3 linecolor '#606060' linewidth 1.5\n"
    "set tics nomirror out textcolor '#303030'\n"
    "set grid back linetype 1 linecolor '#e4e4e4' linewidth 1.5 dashtype solid\n";

// In letters as large as fit into the width.
std::string title_command(const std::string& title, int width_px) {
  constexpr double kLargest = 26, kSmallest = 10, kWidthOfLetter = 0.69;  // px for each point of size
  const double letters = std::max<double>(1, static_cast<double>(title.size()));
  const double size = std::clamp(0.82 * width_px / (kWidthOfLetter * letters), kSmallest, kLargest);
  return fmt::format("set title {} font ',{:.0f}'\n", gnuplot_text(title), std::floor(size));
}

const char* colour(std::size_t i) {
  return kColours[i % std::size(kColours)];
}

std::string class_name(const PlotTexts& texts, std::int64_t label) {
  const auto at = static_cast<std::size_t>(label);
  return at < texts.class_names.size() ? texts.class_names[at] : fmt::format("class {}", label);
}

std::vector<bool> is_label(const Predictions& predictions, std::int64_t label) {
  std::vector<bool> positive;
  for (const std::int64_t of_row : predictions.labels) positive.push_back(of_row == label);
  return positive;
}

// The curve's height at `rate`, the upper end of a vertical piece.
double height_at(const RocCurve& curve, double rate) {
  const std::vector<double>& x = curve.false_positive_rate;
  const std::vector<double>& y = curve.true_positive_rate;
  const auto above = static_cast<std::size_t>(std::ranges::upper_bound(x, rate) - x.begin());
  if (above == x.size()) return y.back();
  const double part = (rate - x[above - 1]) / (x[above] - x[above - 1]);
  return y[above - 1] + part * (y[above] - y[above - 1]);
}

MeanOverFolds mean_of(const std::vector<double>& values) {
  Experiment experiment;
  experiment.metrics = {"value"};
  experiment.values.resize(1);
  for (const double value : values) experiment.values[0].emplace_back(value);
  return *mean_over_folds(experiment, "value");
}

std::int64_t classes_of(const std::filesystem::path& png, std::span<const Predictions> folds) {
  if (folds.empty() || folds.front().classes < 2) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: there are no predictions to draw", png.string()));
  }
  if (folds.front().classes > kMostClasses) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: {} classes; at most {} can be told apart in a picture",
                                                    png.string(), folds.front().classes, kMostClasses));
  }
  for (const Predictions& fold : folds) {
    check(fold);
    if (fold.classes != folds.front().classes) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{}: folds have {} and {} classes", png.string(), folds.front().classes, fold.classes));
    }
  }
  return folds.front().classes;
}

std::string mean_curve_file(const MeanRocCurve& curve) {
  std::string text;
  for (std::size_t i = 0; i < curve.false_positive_rate.size(); ++i) {
    const double mean = curve.true_positive_rate[i];
    text += fmt::format("{} {} {} {}\n", curve.false_positive_rate[i], mean, std::max(0.0, mean - curve.deviation[i]),
                        std::min(1.0, mean + curve.deviation[i]));
  }
  return text;
}

// Blocks of lines, one a fold, for `plot ... with lines`.
std::string fold_curves_file(std::span<const Predictions> folds, std::int64_t label) {
  std::string text;
  for (const Predictions& fold : folds) {
    const std::vector<bool> positive = is_label(fold, label);
    if (!roc_auc(positive, fold.scores(label))) continue;
    const RocCurve curve = roc_curve(positive, fold.scores(label));
    for (std::size_t i = 0; i < curve.false_positive_rate.size(); ++i) {
      text += fmt::format("{} {}\n", curve.false_positive_rate[i], curve.true_positive_rate[i]);
    }
    text += '\n';
  }
  return text;
}

// Lines of folds and their mean, for `plot`: columns epoch and value.
std::string curves_file(const std::vector<std::vector<double>>& curves) {
  std::string text;
  for (const std::vector<double>& curve : curves) {
    for (std::size_t epoch = 0; epoch < curve.size(); ++epoch) {
      if (std::isfinite(curve[epoch])) text += fmt::format("{} {}\n", epoch + 1, curve[epoch]);
    }
    text += '\n';
  }
  return text;
}

std::vector<double> mean_curve(const std::vector<std::vector<double>>& curves) {
  std::vector<double> mean(std::ranges::min(curves, {}, &std::vector<double>::size).size());
  for (std::size_t epoch = 0; epoch < mean.size(); ++epoch) {
    for (const std::vector<double>& curve : curves) mean[epoch] += curve[epoch] / static_cast<double>(curves.size());
  }
  return mean;
}

std::string metric_title(const std::string& metric) {
  static constexpr std::pair<std::string_view, std::string_view> kTitles[] = {{"test_auc", "Test AUC"},
                                                                              {"val_auc", "Validation AUC"},
                                                                              {"test_acc", "Test accuracy"},
                                                                              {"val_acc", "Validation accuracy"},
                                                                              {"val_cindex", "Validation c-index"}};
  for (const auto& [name, title] : kTitles) {
    if (name == metric) return std::string(title);
  }
  return metric;
}

constexpr int kBoxPx = 190, kLetterPx = 15, kLeastMargin = 11;  // margins count letters
constexpr std::size_t kLongestLevelLabel = 12;

// Slanted labels end below their boxes: room for those that begin left of the axis.
int left_margin(const std::vector<std::string>& labels) {
  int margin = kLeastMargin;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const int length = static_cast<int>(0.87 * static_cast<double>(labels[i].size()));
    margin = std::max(margin, length - static_cast<int>(i) * kBoxPx / kLetterPx);
  }
  return std::min(margin, 120);
}

// Names below the boxes, and the title of what they share.
struct BoxTexts {
  std::string title;
  std::vector<std::string> labels;
};

BoxTexts box_texts(std::span<const Experiment> experiments) {
  // Parts of the names in the order in which a label has them; one part where a name is of another kind.
  std::vector<std::vector<std::string>> parts;
  for (const Experiment& experiment : experiments) {
    const std::optional<ExperimentName> name = parse_experiment_name(experiment.name);
    if (name) {
      parts.push_back({published_model_name(name->model), name->task, name->features, name->prop, experiment.group});
    } else {
      parts.push_back({experiment.name, "", "", "", experiment.group});
    }
  }
  BoxTexts texts{"", std::vector<std::string>(parts.size())};
  for (std::size_t part = 0; part < parts.front().size(); ++part) {
    const bool is_shared = std::ranges::all_of(parts, [&](const auto& p) { return p[part] == parts.front()[part]; });
    const auto append = [](std::string& text, const std::string& more) {
      if (!text.empty() && !more.empty()) text += ", ";
      text += more;
    };
    if (is_shared && part > 0) {
      append(texts.title, parts.front()[part]);
    } else {
      for (std::size_t i = 0; i < parts.size(); ++i) append(texts.labels[i], parts[i][part]);
    }
  }
  return texts;
}

}  // namespace

std::optional<MeanRocCurve> mean_roc_curve(std::span<const Predictions> folds, std::int64_t label) {
  MeanRocCurve mean;
  std::vector<RocCurve> curves;
  for (const Predictions& fold : folds) {
    const std::vector<bool> positive = is_label(fold, label);
    const std::vector<double> scores = fold.scores(label);
    const std::optional<double> area = roc_auc(positive, scores);
    if (!area) continue;
    mean.areas.push_back(*area);
    curves.push_back(roc_curve(positive, scores));
  }
  if (curves.empty()) return std::nullopt;
  for (std::size_t step = 0; step <= kRocSteps; ++step) {
    const double rate = static_cast<double>(step) / kRocSteps;
    std::vector<double> heights;
    for (const RocCurve& curve : curves) heights.push_back(step == 0 ? 0 : height_at(curve, rate));
    const MeanOverFolds at_rate = mean_of(heights);
    mean.false_positive_rate.push_back(rate);
    mean.true_positive_rate.push_back(at_rate.mean);
    mean.deviation.push_back(at_rate.deviation.value_or(0));
  }
  return mean;
}

void plot_roc(const std::filesystem::path& png, std::span<const Predictions> folds, const PlotTexts& texts) {
  const std::int64_t classes = classes_of(png, folds);
  Drawing drawing;
  std::string plots;
  std::string means;
  for (std::int64_t label = classes == 2 ? 1 : 0; label < classes; ++label) {
    const std::optional<MeanRocCurve> curve = mean_roc_curve(folds, label);
    if (!curve) continue;
    const char* const shade = colour(classes == 2 ? 0 : static_cast<std::size_t>(label));
    const std::string file = fmt::format("mean{}.txt", label);
    drawing.files.emplace_back(file, mean_curve_file(*curve));
    if (curve->areas.size() > 1) {
      plots += fmt::format(
          "'{}' using 1:3:4 with filledcurves fillcolor '{}' fillstyle transparent solid 0.15 noborder "
          "notitle, ",
          file, shade);
    }
    if (classes == 2 && curve->areas.size() > 1) {
      drawing.files.emplace_back("folds.txt", fold_curves_file(folds, label));
      plots += fmt::format("'folds.txt' with lines linecolor '#98{}' linewidth 2 title 'folds', ", shade + 1);
    }
    const MeanOverFolds area = mean_of(curve->areas);
    means +=
        fmt::format("'{}' using 1:2 with lines linecolor '{}' linewidth 6 title {}, ", file, shade,
                    gnuplot_text(fmt::format("{}: AUC {}", class_name(texts, label), mean_and_deviation(area, 3))));
  }
  if (means.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: no fold has slides of two classes", png.string()));
  }
  drawing.script = fmt::format(
      "{}{}set size ratio 1\nset xrange [0:1]\nset yrange [0:1.005]\n"
      "set xlabel 'False positive rate (1 − specificity)'\nset ylabel 'True positive rate (sensitivity)'\n"
      "set key bottom right reverse Left opaque box linecolor '#d0d0d0' width 1 height 0.5 samplen 2\n"
      "plot {}{}x with lines linecolor '#909090' linewidth 2 dashtype 2 title 'chance'\n",
      kStyle, title_command(texts.title, drawing.width_px), plots, means);
  draw(png, drawing);
}

void plot_confusion_matrix(const std::filesystem::path& png, std::span<const Predictions> folds,
                           const PlotTexts& texts) {
  const std::int64_t classes = classes_of(png, folds);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes * classes));
  for (const Predictions& fold : folds) {
    const std::vector<std::int64_t> of_fold = confusion_matrix(fold);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += of_fold[i];
  }
  std::string cells;
  std::string labels;
  std::string tics;
  for (std::int64_t truth = 0; truth < classes; ++truth) {
    std::int64_t total = 0;
    for (std::int64_t p = 0; p < classes; ++p) total += counts[static_cast<std::size_t>(truth * classes + p)];
    for (std::int64_t predicted = 0; predicted < classes; ++predicted) {
      const std::int64_t count = counts[static_cast<std::size_t>(truth * classes + predicted)];
      const double part = total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0;
      cells += fmt::format("{} {} {}\n", predicted, truth, part);
      labels += fmt::format("set label {} at {},{} center front textcolor '{}'\n",
                            gnuplot_text(fmt::format("{}  ({:.1f} %)", count, 100 * part)), predicted, truth,
                            part > 0.5 ? "#ffffff" : "#202020");
    }
    tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", gnuplot_text(class_name(texts, truth)), truth);
  }
  const int side = std::max(1200, 260 * static_cast<int>(classes) + 500);
  draw(png, {.width_px = side + 150,
             .height_px = side,
             .script = fmt::format(
                 "{}unset grid\nset border 0\nset tics scale 0\n{}set size ratio 1\n"
                 "set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset xtics ({})\nset ytics ({}) rotate by 90 center\n"
                 "set xlabel 'Predicted'\nset ylabel 'Truth'\nset cbrange [0:1]\nset cblabel 'part of the true class'\n"
                 "set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')\n"
                 "{}plot 'cells.txt' using 1:2:3 with image notitle\n",
                 kStyle, title_command(texts.title, side + 150), classes - 1, classes - 1, tics, tics, labels),
             .files = {{"cells.txt", cells}}});
}

void plot_losses(const std::filesystem::path& png, std::span<const LossCurves> folds, const PlotTexts& texts) {
  std::vector<std::vector<double>> training;
  std::vector<std::vector<double>> validation;
  for (const LossCurves& fold : folds) {
    if (!fold.training.empty()) training.push_back(fold.training);
    if (!fold.validation.empty()) validation.push_back(fold.validation);
  }
  if (training.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: no epoch was trained", png.string()));
  }
  const std::size_t epochs = std::ranges::max(training, {}, &std::vector<double>::size).size();
  Drawing drawing{.width_px = 1800, .height_px = 1200, .script = "", .files = {}};
  std::string thin;
  std::string thick;
  const auto add = [&](const std::string& name, const std::vector<std::vector<double>>& curves, const char* shade) {
    if (curves.empty()) return;
    drawing.files.emplace_back(name + ".txt", curves_file(curves));
    drawing.files.emplace_back(name + "_mean.txt", curves_file({mean_curve(curves)}));
    thin += fmt::format("'{}.txt' with lines linecolor '#80{}' linewidth 2 notitle, ", name, shade + 1);
    thick +=
        fmt::format("{}'{}_mean.txt' with linespoints linecolor '{}' linewidth 6 pointtype 7 pointsize 1 title '{}'",
                    thick.empty() ? "" : ", ", name, shade, name);
  };
  add("training", training, colour(0));
  add("validation", validation, colour(1));
  drawing.script = fmt::format(
      "{}{}set xlabel 'Epoch'\nset ylabel 'Loss'\nset yrange [0:*]\n"
      "set xrange [1:*]\nset xtics {}\nset key top right reverse Left samplen 2\nplot {}{}\n",
      kStyle, title_command(texts.title, drawing.width_px), epochs <= 20 ? "1" : "autofreq", thin, thick);
  draw(png, drawing);
}

void plot_boxes(const std::filesystem::path& png, std::span<const Experiment> experiments, const std::string& metric) {
  std::string points;
  std::string means;
  std::string tics;
  std::string boxes;
  int drawn = 0;
  const BoxTexts texts = experiments.empty() ? BoxTexts{} : box_texts(experiments);
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    const Experiment& experiment = experiments[i];
    const std::optional<MeanOverFolds> mean = mean_over_folds(experiment, metric);
    if (!mean) continue;
    const auto column = std::ranges::find(experiment.metrics, metric) - experiment.metrics.begin();
    for (const std::optional<double>& value : experiment.values[static_cast<std::size_t>(column)]) {
      if (value) points += fmt::format("{} {}\n", i + 1, *value);
    }
    points += "\n\n";
    boxes += fmt::format("'points.txt' index {} using ({}):2 with boxplot linecolor '{}' linewidth 3 notitle, ",
                         drawn++, i + 1, colour(0));
    means += fmt::format("{} {}\n", i + 1, mean->mean);
    tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", gnuplot_text(texts.labels[i]), i + 1);
  }
  if (points.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: no experiment has {}", png.string(), metric));
  }
  const std::size_t longest = std::ranges::max(texts.labels, {}, &std::string::size).size();
  const bool is_slanted = longest > kLongestLevelLabel;
  const int left = is_slanted ? left_margin(texts.labels) : kLeastMargin;
  const int width = std::clamp(left * kLetterPx + 270 + kBoxPx * static_cast<int>(experiments.size()), 1000, 6000);
  draw(png,
       {.width_px = width,
        .height_px = 1200,
        .script = fmt::format(
            "{}set grid noxtics\n{}set ylabel {}\nset xrange [0.4:{}.6]\nset xtics ({}){}\n"
            "set lmargin {}\nset rmargin 3\nset style boxplot nooutliers\nset boxwidth 0.5\nset style fill solid 0.25 "
            "border\nset key off\n"
            "plot {}'points.txt' using ($1 + 0.36):2 with points pointtype 7 pointsize 1.6 linecolor '#90000000', "
            "'means.txt' using 1:2 with points pointtype 13 pointsize 3 linecolor '{}'\n",
            kStyle, title_command(texts.title, width), gnuplot_text(metric_title(metric)), experiments.size(), tics,
            is_slanted ? " rotate by 30 right" : "", left, boxes, colour(1)),
        .files = {{"points.txt", points}, {"means.txt", means}}});
}

}  // namespace hipt::evaluate
