#include "hipt/subtype/result_plots.h"

#include <functional>

#include "hipt/base/error.h"
#include "hipt/evaluate/plots.h"

namespace hipt::subtype {
namespace {

// One number an epoch.
std::vector<double> curve_of(const FoldResult& fold, std::string_view name) {
  std::vector<double> curve;
  for (const Scalars& epoch : fold.epochs) {
    for (const auto& [key, value] : epoch) {
      if (key == name) curve.push_back(value);
    }
  }
  return curve;
}

}  // namespace

void plot_results(const ResultsFolder& folder, std::span<const FoldResult> folds, std::vector<std::string> class_names,
                  RunContext& context) {
  const evaluate::PlotTexts texts{folder.root.filename().string(), std::move(class_names)};
  std::vector<evaluate::Predictions> predictions;
  std::vector<evaluate::LossCurves> losses;
  for (const FoldResult& fold : folds) {
    predictions.push_back(evaluate::read_results_pickle(folder.predictions(fold.fold)));
    losses.push_back({curve_of(fold, "train/loss"), curve_of(fold, "val/loss")});
  }
  const std::filesystem::path plots = folder.root / "plots";
  const std::function<void()> pictures[] = {
      [&] { evaluate::plot_roc(plots / "roc.png", predictions, texts); },
      [&] { evaluate::plot_confusion_matrix(plots / "confusion_matrix.png", predictions, texts); },
      [&] { evaluate::plot_losses(plots / "loss.png", losses, texts); }};
  for (const auto& plot : pictures) {
    try {
      plot();
    } catch (const Error& error) {
      context.log.write(LogLevel::Warning, error.what());
      if (error.code() == ErrorCode::Unsupported) return;  // the others would say the same
    }
  }
}

}  // namespace hipt::subtype
