#include <cstdlib>

#include <doctest/doctest.h>

#include "hipt/evaluate/gnuplot.h"
#include "hipt/evaluate/plot_experiments.h"
#include "hipt/image/png.h"

#include "test/support/support.h"

using namespace hipt;
using doctest::Approx;

namespace {

evaluate::Predictions fold_of(const std::vector<std::int64_t>& labels, const std::vector<double>& scores) {
  evaluate::Predictions fold{.classes = 2, .slide_ids = {}, .labels = labels, .probabilities = {}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    fold.slide_ids.push_back("slide " + std::to_string(i));
    fold.probabilities.insert(fold.probabilities.end(), {1 - scores[i], scores[i]});
  }
  return fold;
}

std::vector<evaluate::Predictions> two_folds() {
  return {fold_of({0, 1, 0, 1, 0, 1, 1, 0}, {.1, .8, .55, .6, .25, .5, .5, .5}),
          fold_of({1, 0, 0, 1, 1, 0, 0, 0}, {.9, .4, .6, .55, .3, .3, .2, .1})};
}

// Pixels of about that colour.
int pixels_like(const image::RgbImage& picture, int red, int green, int blue) {
  int count = 0;
  for (std::size_t i = 0; i < picture.byte_size(); i += 3) {
    const auto near = [&](std::size_t channel, int value) {
      return std::abs(picture.data()[i + channel] - value) <= 8;
    };
    count += near(0, red) && near(1, green) && near(2, blue);
  }
  return count;
}

// A picture of that size on white, with the title's name in its text.
image::RgbImage drawn(const std::filesystem::path& png, int width, int height) {
  image::TextChunks text;
  image::RgbImage picture = image::read_png(png, &text);
  CHECK(picture.width() == width);
  CHECK(picture.height() == height);
  CHECK(picture.data()[0] == 255);
  CHECK(text.size() == 2);
  CHECK(pixels_like(picture, 255, 255, 255) < width * height * 99 / 100);
  return picture;
}

}  // namespace

// numpy.interp over scikit-learn 1.9.1's roc_curve on 101 points, mean and sample standard deviation.
TEST_CASE("plots: the mean ROC curve over folds is that of scikit-learn and NumPy") {
  const auto curve = evaluate::mean_roc_curve(two_folds(), 1);
  REQUIRE(curve);
  REQUIRE(curve->areas.size() == 2);
  CHECK(curve->areas[0] == Approx(0.8125).epsilon(1e-12));
  CHECK(curve->areas[1] == Approx(0.7666666666666667).epsilon(1e-12));
  static constexpr double kExpected[][3] = {{0, 0, 0},
                                            {1, 0.416666666667, 0.117851130198},
                                            {20, 0.583333333333, 0.117851130198},
                                            {33, 0.663333333333, 0.004714045208},
                                            {40, 0.733333333333, 0.094280904158},
                                            {50, 0.916666666667, 0.117851130198},
                                            {60, 1, 0},
                                            {100, 1, 0}};
  REQUIRE(curve->false_positive_rate.size() == 101);
  for (const auto& [place, mean, deviation] : kExpected) {
    const auto at = static_cast<std::size_t>(place);
    CAPTURE(place);
    CHECK(curve->false_positive_rate[at] == Approx(place / 100).epsilon(1e-12));
    CHECK(curve->true_positive_rate[at] == Approx(mean).epsilon(1e-9));
    CHECK(curve->deviation[at] == Approx(deviation).epsilon(1e-9));
  }
}

TEST_CASE("plots: folds without the class are left out of its mean ROC curve") {
  std::vector<evaluate::Predictions> folds = two_folds();
  folds.push_back(fold_of({0, 0}, {.2, .3}));
  const auto curve = evaluate::mean_roc_curve(folds, 1);
  REQUIRE(curve);
  CHECK(curve->areas.size() == 2);
  CHECK(!evaluate::mean_roc_curve(std::span(folds).subspan(2), 1));
}

TEST_CASE("plots: text for gnuplot stays text") {
  CHECK(evaluate::gnuplot_text("it's `ls` @x \"y\"\n") == "'it''s `ls` @x \"y\" '");
}

TEST_CASE("plots: every picture is drawn and leaves nothing behind") {
  if (!evaluate::gnuplot_program()) return test::skip("gnuplot is not installed");
  const test::TemporaryFolder folder;
  const std::vector<evaluate::Predictions> folds = two_folds();
  // A title that would leave a mark where gnuplot ran it.
  const evaluate::PlotTexts texts{"`touch " + (folder / "ran").string() + "` it's", {"IDC", "ILC"}};
  evaluate::plot_roc(folder / "roc.png", folds, texts);
  const image::RgbImage roc = drawn(folder / "roc.png", 1500, 1500);
  CHECK(pixels_like(roc, 0x00, 0x72, 0xb2) > 2000);  // the mean's line

  evaluate::plot_confusion_matrix(folder / "confusion_matrix.png", folds, texts);
  drawn(folder / "confusion_matrix.png", 1350, 1200);

  const std::vector<evaluate::LossCurves> losses{{{0.7, 0.5, 0.4}, {0.7, 0.6, 0.65}}, {{0.6, 0.55}, {}}};
  evaluate::plot_losses(folder / "loss.png", losses, texts);
  const image::RgbImage loss = drawn(folder / "loss.png", 1800, 1200);
  CHECK(pixels_like(loss, 0x00, 0x72, 0xb2) > 2000);
  CHECK(pixels_like(loss, 0xd5, 0x5e, 0x00) > 2000);

  const evaluate::Experiment experiment{.group = "",
                                        .name = "`x`'s",
                                        .folder = "",
                                        .metrics = {"test_auc"},
                                        .folds = {0, 1, 2},
                                        .values = {{0.7, std::nullopt, 0.9}}};
  evaluate::plot_boxes(folder / "boxes.png", std::span(&experiment, 1), "test_auc");
  drawn(folder / "boxes.png", 1000, 1200);

  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files += entry.exists();
  CHECK(files == 4);
}

TEST_CASE("plots: the same results give the same bytes") {
  if (!evaluate::gnuplot_program()) return test::skip("gnuplot is not installed");
  const test::TemporaryFolder folder;
  for (const char* const name : {"a.png", "b.png"}) evaluate::plot_roc(folder / name, two_folds(), {"title", {}});
  CHECK(test::read_text(folder / "a.png") == test::read_text(folder / "b.png"));
}

TEST_CASE("plots: results folders give boxes and pictures of their own") {
  if (!evaluate::gnuplot_program()) return test::skip("gnuplot is not installed");
  const test::TemporaryFolder folder;
  for (const char* const name : {"tcga_brca_subtype_mil_x_1.00_none_s1", "tcga_brca_subtype_clam_sb_x_1.00_none_s1"}) {
    const std::vector<evaluate::Predictions> folds = two_folds();
    const std::filesystem::path results = folder / name;
    std::filesystem::create_directories(results);
    for (std::size_t i = 0; i < folds.size(); ++i) {
      evaluate::write_results_pickle(results / ("split_" + std::to_string(i) + "_results.pkl"), folds[i]);
    }
    test::write_text(results / "summary.csv", ",folds,test_auc\n0,0,0.75\n1,1,0.5\n");
  }
  evaluate::PlotOptions options;
  options.save_dir = (folder / "plots").string();
  const auto files = evaluate::plot_experiments({(folder / "tcga_brca_subtype_mil_x_1.00_none_s1").string(),
                                                 (folder / "tcga_brca_subtype_clam_sb_x_1.00_none_s1").string()},
                                                options);
  CHECK(files.size() == 5);
  for (const std::filesystem::path& file : files) CHECK(std::filesystem::exists(file));
  CHECK(std::filesystem::exists(folder / "plots/test_auc.png"));
}

TEST_CASE("plots: without gnuplot the message names the package") {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere:relative", 1);
  std::string message;
  CHECK(test::error_of([] { evaluate::plot_roc("roc.png", two_folds(), {}); }, &message) == ErrorCode::Unsupported);
  setenv("PATH", path.c_str(), 1);
  CHECK(message.find("gnuplot-nox") != std::string::npos);
}

TEST_CASE("plots: where there is nothing to draw that is said") {
  CHECK(test::error_of([] { evaluate::plot_roc("x.png", {}, {}); }) == ErrorCode::InvalidArgument);
  CHECK(test::error_of([] { evaluate::plot_losses("x.png", {}, {}); }) == ErrorCode::InvalidArgument);
  CHECK(test::error_of([] { evaluate::plot_boxes("x.png", {}, "test_auc"); }) == ErrorCode::InvalidArgument);
  const std::vector<evaluate::Predictions> one_class{fold_of({0, 0}, {.2, .3})};
  CHECK(test::error_of([&] { evaluate::plot_roc("x.png", one_class, {}); }) == ErrorCode::InvalidArgument);
}
