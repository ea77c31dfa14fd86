#pragma once
// How sure an area under the ROC curve is, and whether two models differ on the same slides.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "hipt/evaluate/predictions.h"

namespace hipt::evaluate {

struct Interval {
  double low = 0;
  double high = 0;
};

// An AUC with its variance by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988).
struct AucEstimate {
  double auc = 0;
  double variance = 0;
};

// Throws InvalidArgument with fewer than two positive or two negative rows (the variance divides by n - 1).
AucEstimate delong(const std::vector<bool>& positive, std::span<const double> scores);

// auc +/- z * standard deviation, cut to [0, 1]. `confidence` in (0, 1), 0.95 is customary.
Interval delong_interval(const AucEstimate& estimate, double confidence);

// Two models that scored the same rows, paired: z and the two-sided p of equal AUCs. Where the difference has no
// variance (models of equal ranks) z is 0 and p is 1.
struct PairedTest {
  AucEstimate first;
  AucEstimate second;
  double variance_of_difference = 0;
  double z = 0;
  double p = 1;
};
PairedTest delong_test(const std::vector<bool>& positive, std::span<const double> first,
                       std::span<const double> second);

// The same over folds: the mean difference of their AUCs against the sum of its variances, folds taken as independent
// (they are when each slide is tested once). The folds of both models must hold the same slides in the same order, of
// two classes; throws InvalidArgument naming the fold where they do not.
PairedTest delong_test(std::span<const Predictions> first, std::span<const Predictions> second);
// Mean AUC of the folds and its variance.
AucEstimate delong(std::span<const Predictions> folds);

// Percentile bootstrap of the mean of `measure` over folds: `rounds` samples of the rows of each fold with replacement,
// drawn inside each class so that every sample has every class; quantiles by linear interpolation. The same seed gives
// the same interval everywhere.
Interval bootstrap_interval(std::span<const Predictions> folds,
                            const std::function<double(const Predictions&)>& measure, double confidence,
                            std::int64_t rounds, std::uint64_t seed);

// Quantile function of the normal distribution, to 1e-9; throws InvalidArgument outside (0, 1).
double normal_quantile(double probability);

}  // namespace hipt::evaluate
