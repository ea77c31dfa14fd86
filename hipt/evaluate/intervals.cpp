#include "hipt/evaluate/intervals.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::evaluate {
namespace {

// Ranks from 1, ties sharing their mean rank.
std::vector<double> mid_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = static_cast<double>(first + last) / 2 + 1;
    first = last + 1;
  }
  return ranks;
}

// For each positive row the part of negative rows below it, for each negative row the part of positive rows above it.
struct Placements {
  std::vector<double> of_positives;
  std::vector<double> of_negatives;
};

Placements placements(const std::vector<bool>& positive, std::span<const double> scores) {
  if (positive.size() != scores.size()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("DeLong: {} labels for {} scores", positive.size(), scores.size()));
  }
  std::vector<double> positives;
  std::vector<double> negatives;
  for (std::size_t i = 0; i < scores.size(); ++i) (positive[i] ? positives : negatives).push_back(scores[i]);
  if (positives.size() < 2 || negatives.size() < 2) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("DeLong: {} positive and {} negative slides; at least two of each are needed",
                            positives.size(), negatives.size()));
  }
  const std::vector<double> among_all = mid_ranks(scores);
  const std::vector<double> among_positives = mid_ranks(positives);
  const std::vector<double> among_negatives = mid_ranks(negatives);
  Placements result;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (positive[i]) {
      result.of_positives.push_back((among_all[i] - among_positives[result.of_positives.size()]) /
                                    static_cast<double>(negatives.size()));
    } else {
      result.of_negatives.push_back(1 - (among_all[i] - among_negatives[result.of_negatives.size()]) /
                                            static_cast<double>(positives.size()));
    }
  }
  return result;
}

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double covariance(std::span<const double> a, std::span<const double> b) {
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double covariance_of_areas(const Placements& a, const Placements& b) {
  return covariance(a.of_positives, b.of_positives) / static_cast<double>(a.of_positives.size()) +
         covariance(a.of_negatives, b.of_negatives) / static_cast<double>(a.of_negatives.size());
}

AucEstimate estimate_of(const Placements& p) {
  return {mean(p.of_positives), covariance_of_areas(p, p)};
}

double quantile(const std::vector<double>& sorted, double at) {
  const double place = at * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void require_confidence(double confidence) {
  if (!(confidence > 0 && confidence < 1)) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("confidence {}: must lie between 0 and 1", confidence));
  }
}

// A whole number below `bound`, the same with every standard library (std::uniform_int_distribution is not).
std::size_t below(std::mt19937_64& random, std::size_t bound) {
  const std::uint64_t unbiased = std::mt19937_64::max() - std::mt19937_64::max() % bound;
  for (;;) {
    if (const std::uint64_t drawn = random(); drawn < unbiased) return drawn % bound;
  }
}

// Fills `sample` with rows of `source` drawn with replacement inside each class.
void resample(const Predictions& source, std::mt19937_64& random, Predictions& sample) {
  const auto classes = static_cast<std::size_t>(source.classes);
  std::vector<std::vector<std::size_t>> rows_of_class(classes);
  for (std::size_t i = 0; i < source.size(); ++i) {
    rows_of_class[static_cast<std::size_t>(source.labels[i])].push_back(i);
  }
  std::size_t row = 0;
  for (const std::vector<std::size_t>& rows : rows_of_class) {
    for (std::size_t i = 0; i < rows.size(); ++i, ++row) {
      const std::size_t drawn = rows[below(random, rows.size())];
      sample.labels[row] = source.labels[drawn];
      std::copy_n(source.probabilities.begin() + static_cast<std::ptrdiff_t>(drawn * classes), classes,
                  sample.probabilities.begin() + static_cast<std::ptrdiff_t>(row * classes));
    }
  }
}

void set_significance(PairedTest& test) {
  if (test.variance_of_difference <= 1e-20) return;  // rounding of a difference that is zero
  test.z = (test.first.auc - test.second.auc) / std::sqrt(test.variance_of_difference);
  test.p = std::erfc(std::abs(test.z) / std::sqrt(2.0));
}

std::vector<bool> positives_of(const Predictions& fold) {
  if (fold.classes != 2) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("DeLong's method is for two classes, not {}: take the bootstrap", fold.classes));
  }
  std::vector<bool> positive(fold.size());
  for (std::size_t i = 0; i < positive.size(); ++i) positive[i] = fold.labels[i] == 1;
  return positive;
}

}  // namespace

AucEstimate delong(const std::vector<bool>& positive, std::span<const double> scores) {
  return estimate_of(placements(positive, scores));
}

AucEstimate delong(std::span<const Predictions> folds) {
  AucEstimate sum;
  for (const Predictions& fold : folds) {
    const AucEstimate estimate = delong(positives_of(fold), fold.scores(1));
    sum.auc += estimate.auc;
    sum.variance += estimate.variance;
  }
  const auto count = static_cast<double>(folds.size());
  return {sum.auc / count, sum.variance / (count * count)};
}

Interval delong_interval(const AucEstimate& estimate, double confidence) {
  require_confidence(confidence);
  const double half = normal_quantile(0.5 + confidence / 2) * std::sqrt(estimate.variance);
  return {std::max(0.0, estimate.auc - half), std::min(1.0, estimate.auc + half)};
}

PairedTest delong_test(const std::vector<bool>& positive, std::span<const double> first,
                       std::span<const double> second) {
  const Placements a = placements(positive, first);
  const Placements b = placements(positive, second);
  PairedTest test{.first = estimate_of(a), .second = estimate_of(b)};
  test.variance_of_difference = test.first.variance + test.second.variance - 2 * covariance_of_areas(a, b);
  set_significance(test);
  return test;
}

PairedTest delong_test(std::span<const Predictions> first, std::span<const Predictions> second) {
  if (first.size() != second.size() || first.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("paired test: {} folds of one model, {} of the other", first.size(), second.size()));
  }
  PairedTest test;
  const auto count = static_cast<double>(first.size());
  for (std::size_t k = 0; k < first.size(); ++k) {
    if (first[k].slide_ids != second[k].slide_ids || first[k].labels != second[k].labels) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("paired test: fold {}: the two models were not tested on the same slides", k));
    }
    const PairedTest fold = delong_test(positives_of(first[k]), first[k].scores(1), second[k].scores(1));
    test.first.auc += fold.first.auc / count;
    test.second.auc += fold.second.auc / count;
    test.first.variance += fold.first.variance / (count * count);
    test.second.variance += fold.second.variance / (count * count);
    test.variance_of_difference += fold.variance_of_difference / (count * count);
  }
  set_significance(test);
  return test;
}

Interval bootstrap_interval(std::span<const Predictions> folds,
                            const std::function<double(const Predictions&)>& measure, double confidence,
                            std::int64_t rounds, std::uint64_t seed) {
  require_confidence(confidence);
  if (rounds < 1 || folds.empty()) {
    throw Error(ErrorCode::InvalidArgument, "bootstrap: needs folds and at least one round");
  }
  std::mt19937_64 random(seed);
  std::vector<double> measured;
  std::vector<Predictions> samples(folds.begin(), folds.end());
  for (std::int64_t round = 0; round < rounds; ++round) {
    double sum = 0;
    for (std::size_t k = 0; k < folds.size(); ++k) {
      resample(folds[k], random, samples[k]);
      sum += measure(samples[k]);
    }
    measured.push_back(sum / static_cast<double>(folds.size()));
  }
  std::ranges::sort(measured);
  return {quantile(measured, (1 - confidence) / 2), quantile(measured, (1 + confidence) / 2)};
}

double normal_quantile(double probability) {
  if (!(probability > 0 && probability < 1)) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("normal quantile of {}", probability));
  }
  // Bisection on erfc: 80 halvings of [-40, 40] reach a double's precision, and it is called once a table.
  double low = -40;
  double high = 40;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace hipt::evaluate
