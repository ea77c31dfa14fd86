#include <doctest/doctest.h>

#include "hipt/evaluate/summary.h"

#include "test/support/support.h"

using namespace hipt;
using doctest::Approx;

namespace {

evaluate::Predictions made_fold(double shift) {
  return {.classes = 2,
          .slide_ids = {"TCGA-1", "TCGA-2", "TCGA-3", "TCGA-4", "TCGA-5", "TCGA-6"},
          .labels = {0, 1, 0, 1, 0, 1},
          .probabilities = {.9, .1, .2, .8, .5 - shift, .5 + shift, .4, .6, .75, .25, .5, .5}};
}

// A results folder of two folds, as the training verb leaves it.
void write_results(const std::filesystem::path& folder, double shift) {
  std::filesystem::create_directories(folder);
  evaluate::Experiment experiment{.group = "",
                                  .name = "",
                                  .folder = "",
                                  .metrics = {"test_auc", "val_auc", "test_acc", "val_acc"},
                                  .folds = {0, 1},
                                  .values = {{0.75, 0.25}, {0.5, {}}, {0.1, 0.2}, {1.0, 0.0}}};
  evaluate::write_summary_csv(folder / "summary.csv", experiment);
  evaluate::write_results_pickle(folder / "split_0_results.pkl", made_fold(shift));
  evaluate::write_results_pickle(folder / "split_1_results.pkl", made_fold(-shift));
}

}  // namespace

TEST_CASE("the publication's table of subtyping comes again from the published folds digit for digit") {
  const auto file = test::shared_data("hipt-published/subtyping_all_folds.csv");
  if (!file) return test::skip("no ../shared/data");
  // Table of the publication, in ../shared/spec/70-evaluation.md: columns BRCA, kidney, lung at 25 % and 100 %.
  static constexpr const char* kPublished[][7] = {
      {"CLAM-SB", "0.796 ± 0.063", "0.858 ± 0.067", "0.957 ± 0.012", "0.973 ± 0.017", "0.852 ± 0.034", "0.928 ± 0.021"},
      {"DGCN", "0.727 ± 0.076", "0.840 ± 0.073", "0.923 ± 0.012", "0.957 ± 0.012", "0.748 ± 0.050", "0.831 ± 0.034"},
      {"DS-MIL", "0.760 ± 0.088", "0.838 ± 0.074", "0.949 ± 0.028", "0.971 ± 0.016", "0.787 ± 0.073", "0.920 ± 0.024"},
      {"HIPT", "0.821 ± 0.069", "0.874 ± 0.060", "0.974 ± 0.012", "0.980 ± 0.013", "0.923 ± 0.020", "0.952 ± 0.021"},
      {"DeepAttnMISL", "0.685 ± 0.110", "0.784 ± 0.061", "0.904 ± 0.024", "0.943 ± 0.016", "0.663 ± 0.077",
       "0.778 ± 0.045"},
      {"MIL", "0.673 ± 0.112", "0.778 ± 0.091", "0.904 ± 0.055", "0.959 ± 0.015", "0.857 ± 0.059", "0.892 ± 0.042"},
  };
  evaluate::SummaryOptions options;
  options.select = "results_cvpr2022_class/";
  options.layout = evaluate::TableLayout::Models;
  options.format = evaluate::TableFormat::Csv;
  const std::string table = evaluate::summary_table({file->string()}, options);
  CHECK(
      table.starts_with("model,tcga_brca_subtype 0.25,tcga_brca_subtype 1.00,tcga_kidney_subtype 0.25,"
                        "tcga_kidney_subtype 1.00,tcga_lung_subtype 0.25,tcga_lung_subtype 1.00\n"));
  for (const auto& row : kPublished) {
    std::string line;
    for (const char* cell : row) line += (line.empty() ? "\n" : ",") + std::string(cell);
    CAPTURE(line);
    CHECK(table.find(line + "\n") != std::string::npos);
  }
}

TEST_CASE("the publication's c-indices of survival come again from the published folds digit for digit") {
  const auto file = test::shared_data("hipt-published/survival_all_folds.csv");
  if (!file) return test::skip("no ../shared/data");
  evaluate::SummaryOptions options;
  options.select = "HIPT_LGP";
  options.format = evaluate::TableFormat::Csv;
  const std::string table = evaluate::summary_table({file->string()}, options);
  for (const auto& [study, value] :
       std::initializer_list<std::pair<std::string, std::string>>{{"brca", "0.634 ± 0.050"},
                                                                  {"coadread", "0.608 ± 0.088"},
                                                                  {"kirc", "0.642 ± 0.028"},
                                                                  {"kirp", "0.670 ± 0.065"},
                                                                  {"luad", "0.538 ± 0.044"},
                                                                  {"stad", "0.570 ± 0.081"}}) {
    CHECK(table.find("tcga_" + study +
                     "_HIPT_LGP[vit4k_xs_dino]_freeze_[None]_nll_surv_a0.0_5foldcv_gc32_dino_sig_s1,"
                     "5," +
                     value + "\n") != std::string::npos);
  }
}

TEST_CASE("summary of results folders as text and Markdown and CSV") {
  const test::TemporaryFolder folder;
  write_results(folder / "a", 0.1);
  CHECK(test::read_text(folder / "a/summary.csv") ==
        ",folds,test_auc,val_auc,test_acc,val_acc\n0,0,0.75,0.5,0.1,1\n1,1,0.25,,0.2,0\n");
  evaluate::SummaryOptions options;
  options.metric = "test_auc";
  CHECK(evaluate::summary_table({(folder / "a").string() + "/"}, options) ==
        "experiment  folds  test_auc\na           2      0.500 ± 0.354\n");
  options.format = evaluate::TableFormat::Markdown;
  CHECK(evaluate::summary_table({(folder / "a").string()}, options) ==
        "| experiment | folds | test_auc |\n|---|---|---|\n| a | 2 | 0.500 ± 0.354 |\n");
  options.format = evaluate::TableFormat::Csv;
  options.metric = "val_auc";  // one fold has none
  CHECK(evaluate::summary_table({(folder / "a/summary.csv").string()}, options) ==
        "experiment,folds,val_auc\na,2,0.500\n");
}

TEST_CASE("summary: intervals and the paired test read the folds' predictions") {
  const test::TemporaryFolder folder;
  write_results(folder / "a", 0.2);
  write_results(folder / "b", -0.1);
  evaluate::SummaryOptions options;
  options.metric = "test_auc";
  options.interval = evaluate::IntervalMethod::DeLong;
  CHECK(evaluate::summary_table({(folder / "a").string()}, options).find("test_auc 95 %") != std::string::npos);
  options.interval = evaluate::IntervalMethod::Bootstrap;
  const std::string once = evaluate::summary_table({(folder / "a").string()}, options);
  CHECK(once == evaluate::summary_table({(folder / "a").string()}, options));
  options.compare = true;
  CHECK(evaluate::summary_table({(folder / "a").string(), (folder / "b").string()}, options).find("difference") !=
        std::string::npos);
  CHECK(test::error_of([&] { evaluate::summary_table({(folder / "a").string()}, options); }) ==
        ErrorCode::InvalidArgument);
}

TEST_CASE("results pickle of ours is read again") {
  const test::TemporaryFolder folder;
  const evaluate::Predictions made = made_fold(0.25);
  evaluate::write_results_pickle(folder / "p.pkl", made);
  const evaluate::Predictions back = evaluate::read_results_pickle(folder / "p.pkl");
  CHECK(back.slide_ids == made.slide_ids);
  CHECK(back.labels == made.labels);
  for (std::size_t i = 0; i < made.probabilities.size(); ++i) {
    CHECK(back.probabilities[i] == static_cast<double>(static_cast<float>(made.probabilities[i])));
  }
}

TEST_CASE("summary errors name the file and the row") {
  const test::TemporaryFolder folder;
  std::string message;
  const evaluate::SummaryOptions options;
  const auto code_of = [&](const std::string& text) {
    test::write_text(folder / "t.csv", text);
    return test::error_of([&] { evaluate::summary_table({(folder / "t.csv").string()}, options); }, &message);
  };
  CHECK(code_of("experiment,test_auc\na,1\n") == ErrorCode::Corrupt);
  CHECK(message.find("t.csv") != std::string::npos);
  CHECK(code_of("experiment,fold,test_auc\na,0,1\na,0,1\n") == ErrorCode::Corrupt);
  CHECK(message.find("row 3") != std::string::npos);
  CHECK(code_of("experiment,fold,test_auc\na,0,big\n") == ErrorCode::Corrupt);
  CHECK(message.find("big") != std::string::npos);
  CHECK(test::error_of([&] { evaluate::summary_table({folder.path().string()}, options); }, &message) ==
        ErrorCode::NotFound);
  test::write_text(folder / "bad.pkl", "\x80\x03}(X\x01");
  CHECK(test::error_of([&] { evaluate::read_results_pickle(folder / "bad.pkl"); }) == ErrorCode::Corrupt);
}
