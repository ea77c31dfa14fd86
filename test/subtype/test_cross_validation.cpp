// Cross-validation over small made cohorts: same numbers at any number of threads and after an interruption, every
// model, and what goes wrong with data.

#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/bags/bag_files.h"
#include "hipt/evaluate/folds.h"
#include "hipt/evaluate/predictions.h"
#include "hipt/io/csv.h"
#include "hipt/mil/model.h"
#include "hipt/subtype/cross_validation.h"
#include "hipt/train/thread.h"

#include "test/subtype/subtype_support.h"
#include "test/support/support.h"

using namespace hipt;
using mil::ModelType;
using subtype::SubtypeOptions;
using test::MadeCohort;

namespace {

namespace fs = std::filesystem;

// Stops after so many slides of training.
class StoppingProgress final : public ProgressSink {
 public:
  StoppingProgress(std::int64_t slides, std::stop_source stop) : left_(slides), stop_(std::move(stop)) {}
  void begin(std::string_view stage, std::int64_t, std::string_view) override {
    counts_ = stage.find("folds") != stage.npos;
  }
  void set_total(std::int64_t) override {}
  void advance(std::int64_t count) override {
    if (counts_ && (left_ -= count) <= 0) stop_.request_stop();
  }
  void end() override {}

 private:
  std::atomic<std::int64_t> left_;
  std::atomic<bool> counts_ = false;
  std::stop_source stop_;
};

// Every number of a run, by file and name.
std::map<std::string, std::string> contents(const subtype::CrossValidation& run) {
  std::map<std::string, std::string> files;
  for (const subtype::FoldResult& fold : run.folds) {
    for (const fs::path& file : {run.folder.fold(fold.fold), run.folder.checkpoint(fold.fold),
                                 run.folder.predictions(fold.fold), run.folder.split(fold.fold)}) {
      files[file.filename().string()] = test::read_text(file);
    }
    CHECK_FALSE(fs::exists(run.folder.state(fold.fold)));
  }
  files["summary.csv"] = test::read_text(run.folder.summary());
  return files;
}

std::string error_text(const SubtypeOptions& options, ErrorCode code) {
  std::string message;
  CHECK(test::error_of([&] { subtype::cross_validate(options, test::quiet_context()); }, &message) == code);
  return message;
}

void rewrite_table(const fs::path& file, const std::function<void(io::CsvTable&)>& change) {
  io::CsvTable table = io::read_csv(file);
  change(table);
  io::write_csv(file, table);
}

}  // namespace

// cmake/HiptTorch.cmake tells what goes wrong otherwise.
TEST_CASE("torch multiplies by its own BLAS and not by another library's") {
  void* const product = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info found{};
  REQUIRE(product != nullptr);
  REQUIRE(dladdr(product, &found) != 0);
  CHECK(std::string(found.dli_fname).find("libtorch") != std::string::npos);
}

TEST_CASE("folds are a function of the seed: threads and interruptions change no byte of their results") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::ClamSb);
  options.folds.max_epochs = 3;
  ThreadPool one(1), three(3);
  const auto context = [](ThreadPool& pool) { return RunContext{pool, silent_log(), silent_progress(), {}}; };
  RunContext alone = context(one), together = context(three);
  const auto expected = contents(subtype::cross_validate(options, alone));
  CHECK(expected.size() == 13);

  options.results.results_dir = (root / "results3").string();
  CHECK(contents(subtype::cross_validate(options, together)) == expected);

  // 3 folds x 3 epochs x 4 slides: within the first epochs, between and at the end.
  for (const std::int64_t slides : {1, 6, 13, 22, 35}) {
    INFO(slides);
    options.results.results_dir = (root / fmt::format("stopped{}", slides)).string();
    std::stop_source stop;
    StoppingProgress progress(slides, stop);
    RunContext stopped{three, silent_log(), progress, stop.get_token()};
    CHECK(test::error_of([&] { subtype::cross_validate(options, stopped); }) == ErrorCode::Cancelled);
    CHECK(contents(subtype::cross_validate(options, together)) == expected);
  }
}

TEST_CASE("a run that was stopped goes on after the epochs it had finished") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  options.folds.max_epochs = 4;
  options.folds.k_end = 1;
  std::stop_source stop;
  StoppingProgress progress(9, stop);  // in the third epoch of four slides
  RunContext stopped{test::quiet_context().pool, silent_log(), progress, stop.get_token()};
  CHECK(test::error_of([&] { subtype::cross_validate(options, stopped); }) == ErrorCode::Cancelled);
  const subtype::ResultsFolder folder = subtype::results_folder(options, bags::find_task("tcga_brca_subtype"), 384);
  REQUIRE(fs::exists(folder.state(0)));

  SubtypeOptions other = options;
  other.training.learning_rate = 0.1;
  const std::string message = error_text(other, ErrorCode::InvalidArgument);
  CHECK(message.find("s_0_state.pt: was trained otherwise (lr: 0.0002 there, 0.1 now)") != message.npos);

  const subtype::CrossValidation done = subtype::cross_validate(options, test::quiet_context());
  CHECK(done.folds.front().epochs.size() == 4);
  CHECK_FALSE(fs::exists(folder.state(0)));
  CHECK(fs::exists(folder.partial_summary(0, 1)));
  CHECK_FALSE(fs::exists(folder.summary()));
  CHECK(error_text(other, ErrorCode::InvalidArgument).find("fold_0.json: was trained otherwise") != message.npos);
  other.results.no_auto_skip = true;
  CHECK(subtype::cross_validate(other, test::quiet_context()).folds.front().epochs != done.folds.front().epochs);
}

TEST_CASE("runs of a part of the folds give the whole summary together") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  const subtype::CrossValidation whole = subtype::cross_validate(options, test::quiet_context());
  options.results.results_dir = (root / "parts").string();
  options.folds.k_end = 1;
  subtype::cross_validate(options, test::quiet_context());
  options.folds.k_start = 1;
  options.folds.k_end = 3;
  // The splits that the first part made lie beside its results.
  const subtype::CrossValidation part = subtype::cross_validate(options, test::quiet_context());
  CHECK(test::read_text(part.folder.summary()) == test::read_text(whole.folder.summary()));
  CHECK(fs::exists(part.folder.partial_summary(1, 3)));
}

TEST_CASE("every model learns what tells the classes apart") {
  test::TemporaryFolder patches, regions, vectors;
  test::write_cohort(patches.path(), {});
  test::write_cohort(regions.path(), {.regions = true});
  for (const ModelType type : {ModelType::Mil, ModelType::ClamSb, ModelType::ClamMb, ModelType::Dsmil, ModelType::MiFcn,
                               ModelType::Dgcn, ModelType::Amil, ModelType::DeepSet, ModelType::HiptN}) {
    INFO(name_of(type));
    SubtypeOptions options = test::quick_options(type == ModelType::HiptN ? regions.path() : patches.path(), type);
    options.folds.max_epochs = 12;
    options.training.learning_rate = 1e-3;
    const subtype::CrossValidation run = subtype::cross_validate(options, test::quiet_context());
    double sum = 0.0;
    for (const subtype::FoldResult& fold : run.folds) sum += fold.measure("final/test_auc").value();
    CHECK(sum / 3.0 >= 0.9);
    // What was written is what its readers take.
    train::prepare_training_thread();
    CHECK(mil::load_model(run.folder.checkpoint(1)).options().type == type);
    const evaluate::Predictions predictions = evaluate::read_results_pickle(run.folder.predictions(1));
    CHECK(predictions.size() == 4);
    CHECK(evaluate::read_experiments(run.folder.root).front().folds.size() == 3);
  }
}

TEST_CASE("patches are taken out of bags of regions for models of patches") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {.regions = true});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  options.data.bags = test::feature_folder(root.path(), {.regions = true}, 0).string();
  options.folds.k_end = 1;
  CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 1);
}

TEST_CASE("a frozen ViT-4096 is computed once and gives the numbers of the whole model") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {.regions = true});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::HiptLgp);
  options.folds.pretrain_4k = "random:try";
  options.model.freeze_4k = true;
  options.folds.k_end = 1;
  const subtype::CrossValidation run = subtype::cross_validate(options, test::quiet_context());
  const auto kept = [&] {
    std::map<fs::path, fs::file_time_type> times;
    for (const auto& entry : fs::recursive_directory_iterator(root / "results/cache/region_vectors")) {
      if (entry.path().extension() == ".pt") times[entry.path()] = entry.last_write_time();
    }
    return times;
  };
  const auto first = kept();
  CHECK(first.size() == 12);
  // The trained model on the regions themselves says what the fold's results say.
  const mil::Model model = mil::load_model(run.folder.checkpoint(0));
  const evaluate::Predictions predictions = evaluate::read_results_pickle(run.folder.predictions(0));
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    mil::Bag bag;
    bag.features =
        bags::read_bag(test::feature_folder(root.path(), {.regions = true}, 0) / (predictions.slide_ids[i] + ".pt"));
    const mil::ModelOutput output = model.predict(bag);
    CHECK(output.probabilities.as<float>()[1] == doctest::Approx(predictions.probability(i, 1)).epsilon(1e-5));
  }
  // Another run takes the vectors that are there: it needs the bags' names and identities alone.
  options.folds.k_start = 1;
  options.folds.k_end = 2;
  subtype::cross_validate(options, test::quiet_context());
  CHECK(kept() == first);
}

TEST_CASE("early stopping keeps the weights of the least validation loss") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  options.folds.k_end = 1;
  options.folds.early_stopping = true;
  options.folds.max_epochs = 80;
  options.training.learning_rate = 0.3;  // too large: the loss soon grows again
  options.training.optimiser = mil::OptimiserKind::Sgd;
  options.training.accumulate = mil::Accumulate::True;
  const subtype::FoldResult fold = subtype::cross_validate(options, test::quiet_context()).folds.front();
  double least = std::numeric_limits<double>::infinity();
  for (const subtype::Scalars& epoch : fold.epochs) {
    for (const auto& [name, value] : epoch) {
      if (name == "val/loss") least = std::min(least, value);
    }
  }
  CHECK(fold.stopping.least_loss == least);
  CHECK((fold.epochs.size() == 80 || fold.stopping.since >= 20));
}

TEST_CASE("data errors: labels and tables") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  const fs::path table = root / "dataset_csv/tcga_brca_subset.csv";
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  // A label that is no class of the task leaves its slide out, as published; a class without slides is an error.
  rewrite_table(table, [](io::CsvTable& t) { t.rows[0][2] = "MDLC"; });
  options.folds.k_end = 1;
  CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 1);
  rewrite_table(table, [](io::CsvTable& t) {
    for (auto& row : t.rows) row[2] = "IDC";
  });
  CHECK(error_text(options, ErrorCode::Corrupt).find("no slide is of class 1 of tcga_brca_subtype") !=
        std::string::npos);
  options.data.csv_path = (root / "absent.csv").string();
  error_text(options, ErrorCode::NotFound);
  options.data.csv_path.clear();
  fs::remove(table);
  CHECK(error_text(options, ErrorCode::NotFound).find("name it with --csv_path FILE") != std::string::npos);
  options.data.task = "tcga_liver_subtype";
  error_text(options, ErrorCode::InvalidArgument);
}

TEST_CASE("data errors: bags") {
  test::TemporaryFolder root;
  const MadeCohort cohort;
  test::write_cohort(root.path(), cohort);
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  options.results.no_auto_skip = true;  // a fold may have finished before another met the bad bag
  const fs::path bag = test::feature_folder(root.path(), cohort, 1) / "tcga_brca-S05.pt";

  Array nan = Array::of<float>({3, 384});
  nan.as_mutable<float>()[500] = std::numeric_limits<float>::quiet_NaN();
  test::write_bag(bag, nan);
  CHECK(error_text(options, ErrorCode::Corrupt).find("tcga_brca-S05.pt: row 1 holds a value that is not finite") !=
        std::string::npos);
  test::write_bag(bag, Array::of<float>({0, 384}));
  CHECK(error_text(options, ErrorCode::Corrupt).find("tcga_brca-S05.pt: [0, 384] is no bag") != std::string::npos);
  test::write_bag(bag, Array::of<float>({3, 192}));
  CHECK(error_text(options, ErrorCode::InvalidArgument).find("other bags have instances of 384 numbers") !=
        std::string::npos);
  fs::remove(bag);
  CHECK(error_text(options, ErrorCode::NotFound).find("1 of 12 slides have no bag") != std::string::npos);
  options.data.allow_missing = true;
  CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 3);
  options.data.path_input_dim = 1024;
  CHECK(error_text(options, ErrorCode::InvalidArgument).find("--path_input_dim 1024") != std::string::npos);
}

TEST_CASE("every model takes a bag of one instance") {
  test::TemporaryFolder patches, regions;
  test::write_cohort(patches.path(), {});
  test::write_cohort(regions.path(), {.regions = true});  // of one region each
  for (std::int64_t i = 0; i < 12; ++i) {
    const fs::path folder = test::feature_folder(patches.path(), {}, 0);
    Array one = Array::of<float>({1, 384});
    one.as_mutable<float>()[static_cast<std::size_t>(i % 2)] = 1.0F;
    test::write_bag(folder / fmt::format("tcga_brca-S{:02}.pt", i), one);
  }
  for (const ModelType type : {ModelType::Mil, ModelType::ClamSb, ModelType::ClamMb, ModelType::Dsmil, ModelType::MiFcn,
                               ModelType::Dgcn, ModelType::Amil, ModelType::DeepSet, ModelType::HiptN}) {
    INFO(name_of(type));
    SubtypeOptions options = test::quick_options(type == ModelType::HiptN ? regions.path() : patches.path(), type);
    options.folds.k_end = 1;
    options.folds.max_epochs = 1;
    CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 1);
  }
}

TEST_CASE("patients with slides on two sides of a split: a warning for published tasks and an error for others") {
  test::TemporaryFolder root;
  test::write_cohort(root.path(), {});
  rewrite_table(root / "dataset_csv/tcga_brca_subset.csv", [](io::CsvTable& t) { t.rows[2][0] = t.rows[0][0]; });
  const auto id = [](std::int64_t i) { return fmt::format("tcga_brca-S{:02}", i); };
  io::CsvTable split{{"", "train", "val", "test"}, {}};
  for (std::int64_t i = 0; i < 6; ++i) {
    split.rows.push_back({fmt::format("{}", i), id(i == 2 ? 11 : i), i < 3 ? id(i + 6) : "",
                          i == 0  ? id(2)
                          : i < 3 ? id(i + 8)
                                  : ""});
  }
  io::write_csv(root / "splits/splits_0.csv", split);
  SubtypeOptions options = test::quick_options(root.path(), ModelType::Mil);
  options.data.split_dir = (root / "splits").string();
  options.folds.k_end = 1;
  CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 1);

  test::write_text(root / "own.csv", "oncotree_code,class\nIDC,0\nILC,1\n");
  options.data.task = (root / "own.csv").string();
  options.data.csv_path = (root / "dataset_csv/tcga_brca_subset.csv").string();
  options.data.study = "tcga_brca";
  const std::string message = error_text(options, ErrorCode::InvalidArgument);
  CHECK(message.find("splits_0.csv: 1 patient with slides on two sides of the split (tcga_brca-P00)") != message.npos);
  options.data.allow_shared_patients = true;
  CHECK(subtype::cross_validate(options, test::quiet_context()).folds.size() == 1);

  options.folds.k_end = 2;
  CHECK(error_text(options, ErrorCode::NotFound).find("has no splits_1.csv") != std::string::npos);
}
