#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "hipt/evaluate/intervals.h"
#include "hipt/evaluate/metrics.h"

#include "test/support/support.h"

using namespace hipt;
using doctest::Approx;

namespace {

nlohmann::json read_json(const std::filesystem::path& file) {
  return nlohmann::json::parse(test::read_text(file));
}

evaluate::Predictions predictions_of(const nlohmann::json& c) {
  evaluate::Predictions predictions;
  for (const auto& label : c["labels"]) predictions.labels.push_back(label);
  for (const auto& row : c["prob"]) {
    predictions.classes = static_cast<std::int64_t>(row.size());
    for (const auto& value : row) predictions.probabilities.push_back(value);
  }
  predictions.slide_ids.resize(predictions.labels.size());
  return predictions;
}

// Two models on twelve slides, with ties.
const std::vector<bool> kPositive{true, false, true, true, false, false, true, false, true, false, true, false};
const std::vector<double> kFirst{.9, .4, .7, .35, .3, .5, .8, .2, .5, .45, .6, .7};
const std::vector<double> kSecond{.6, .5, .55, .4, .35, .6, .5, .3, .7, .5, .45, .4};

void check_oracle(const std::string& name) {
  const auto file = test::shared_oracle("metrics/auc.json");
  if (!file) return test::skip("no ../shared/oracle");
  for (const auto& c : read_json(*file)) {
    if (c["name"] != name) continue;
    const evaluate::Predictions predictions = predictions_of(c);
    CHECK(*evaluate::accuracy(predictions) == Approx(c["accuracy"].get<double>()).epsilon(1e-12));
    CHECK(*evaluate::auc(predictions) ==
          Approx((predictions.classes == 2 ? c["auc"] : c["auc_macro_ovr"]).get<double>()).epsilon(1e-12));
    if (predictions.classes == 2) return;
    const auto each = evaluate::auc_of_classes(predictions);
    for (std::size_t i = 0; i < each.size(); ++i) {
      CHECK(*each[i] == Approx(c["auc_each"][i].get<double>()).epsilon(1e-12));
    }
    return;
  }
  FAIL("no such case");
}

}  // namespace

TEST_CASE("accuracy and auc: oracle metrics/auc binary") {
  check_oracle("binary");
}
TEST_CASE("accuracy and auc: oracle metrics/auc binary ties") {
  check_oracle("binary ties");
}
TEST_CASE("accuracy and auc: oracle metrics/auc three") {
  check_oracle("three");
}
TEST_CASE("accuracy and auc: oracle metrics/auc three ties") {
  check_oracle("three ties");
}
TEST_CASE("accuracy and auc: oracle metrics/auc four") {
  check_oracle("four");
}

TEST_CASE("sampler weights: oracle metrics/sampler_weights") {
  const auto file = test::shared_oracle("metrics/sampler_weights.json");
  if (!file) return test::skip("no ../shared/oracle");
  const nlohmann::json c = read_json(*file);
  const std::vector<std::int64_t> labels = c["labels"];
  const std::vector<double> weights = evaluate::sampler_weights(labels, 3);
  REQUIRE(weights.size() == c["weights"].size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CHECK(weights[i] == Approx(c["weights"][i].get<double>()).epsilon(1e-12));
  }
  std::string message;
  CHECK(test::error_of([&] { evaluate::sampler_weights(labels, 4); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("class 3") != std::string::npos);
  CHECK(test::error_of([&] { evaluate::sampler_weights(labels, 2); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("auc has no value where a class is missing and the mean passes over it") {
  const evaluate::Predictions two{
      .classes = 2, .slide_ids = {"a", "b"}, .labels = {1, 1}, .probabilities = {0, 1, 1, 0}};
  CHECK_FALSE(evaluate::auc(two).has_value());
  const evaluate::Predictions three{
      .classes = 3, .slide_ids = {"a", "b"}, .labels = {0, 1}, .probabilities = {.8, .1, .1, .3, .5, .2}};
  CHECK_FALSE(evaluate::auc_of_classes(three)[2].has_value());
  CHECK(*evaluate::auc(three) == 1.0);
}

TEST_CASE("DeLong: AUCs and covariances and paired test of twelve slides with ties, by definition in NumPy and SciPy") {
  const evaluate::PairedTest test = evaluate::delong_test(kPositive, kFirst, kSecond);
  CHECK(test.first.auc == Approx(0.8055555555555556).epsilon(1e-12));
  CHECK(test.second.auc == Approx(0.7222222222222222).epsilon(1e-12));
  CHECK(test.first.variance == Approx(0.01820988).epsilon(1e-6));
  CHECK(test.second.variance == Approx(0.0242284).epsilon(1e-6));
  CHECK(test.z == Approx(0.49588470368046494).epsilon(1e-12));
  CHECK(test.p == Approx(0.6199757588230344).epsilon(1e-9));
  CHECK(evaluate::normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-12));
  const evaluate::PairedTest same = evaluate::delong_test(kPositive, kFirst, kFirst);
  CHECK(same.p == 1.0);
}

TEST_CASE("F1 and balanced accuracy and confusion matrix and ROC curve: scikit-learn's numbers") {
  evaluate::Predictions predictions{.classes = 2, .slide_ids = {}, .labels = {}, .probabilities = {}};
  predictions.slide_ids.resize(kFirst.size());
  for (std::size_t i = 0; i < kFirst.size(); ++i) {
    predictions.labels.push_back(kPositive[i] ? 1 : 0);
    predictions.probabilities.insert(predictions.probabilities.end(), {1 - kFirst[i], kFirst[i]});
  }
  CHECK(evaluate::macro_f1(predictions) == Approx(0.7482517482517483).epsilon(1e-12));
  CHECK(evaluate::balanced_accuracy(predictions) == Approx(0.75).epsilon(1e-12));
  CHECK(evaluate::confusion_matrix(predictions) == std::vector<std::int64_t>{5, 1, 2, 4});
  const evaluate::RocCurve curve = evaluate::roc_curve(kPositive, kFirst);
  const std::vector<double> x{0, 0, 0, 1, 1, 2, 4, 4, 6};
  const std::vector<double> y{0, 1, 2, 3, 4, 5, 5, 6, 6};
  REQUIRE(curve.false_positive_rate.size() == x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(curve.false_positive_rate[i] == Approx(x[i] / 6));
    CHECK(curve.true_positive_rate[i] == Approx(y[i] / 6));
  }
}
