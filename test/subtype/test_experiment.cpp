// Names of experiments and their folders, against those that HIPT published (subtyping_all_folds.csv).

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "hipt/evaluate/folds.h"
#include "hipt/subtype/experiment.h"

#include "test/support/support.h"

namespace {

using namespace hipt;
using subtype::SubtypeOptions;

SubtypeOptions options_of(mil::ModelType type, double prop, const std::string& pretrain = "None", bool freeze = false) {
  SubtypeOptions options;
  options.data.task = "tcga_brca_subtype";
  options.data.data_root_dir = "TCGA_ROOT_DIR";
  options.data.prop = prop;
  options.model.type = type;
  options.model.freeze_4k = freeze;
  options.folds.pretrain_4k = pretrain;
  return options;
}

}  // namespace

TEST_CASE("experiments are called as the published ones") {
  const auto table = test::shared_data("hipt-published/subtyping_all_folds.csv");
  if (!table) return test::skip("../shared/data is absent");
  std::set<std::string> published;
  for (const evaluate::Experiment& experiment : evaluate::read_experiments(*table)) published.insert(experiment.name);
  const bags::Task task = bags::find_task("tcga_brca_subtype");
  const auto check_name = [&](const SubtypeOptions& options, std::int64_t width) {
    const std::string name = subtype::results_folder(options, task, width).root.filename().string();
    INFO(name);
    CHECK(published.contains(name));
  };
  for (const double prop : {0.25, 1.0}) {
    for (const mil::ModelType type : {mil::ModelType::Mil, mil::ModelType::ClamSb, mil::ModelType::Dsmil,
                                      mil::ModelType::MiFcn, mil::ModelType::Dgcn, mil::ModelType::HiptN}) {
      check_name(options_of(type, prop), 384);
    }
    check_name(options_of(mil::ModelType::HiptLgp, prop), 384);
    check_name(options_of(mil::ModelType::HiptLgp, prop, "vit4k_xs_dino"), 384);
    check_name(options_of(mil::ModelType::HiptLgp, prop, "some/folder/vit4k_xs_dino.pth", true), 384);
    check_name(options_of(mil::ModelType::HiptGp, prop), 192);
  }
}

TEST_CASE("results lie below the task and the experiment's text is a Python dict") {
  SubtypeOptions options = options_of(mil::ModelType::ClamSb, 1.0);
  options.training.learning_rate = 1e-5;
  const bags::Task task = bags::find_task("tcga_brca_subtype");
  CHECK(subtype::results_folder(options, task, 384).root ==
        "results/tcga_brca_subtype/tcga_brca_subtype_clam_sb_vits_tcga_pancancer_dino_1.00_none_s1");
  CHECK(subtype::experiment_text(options, task, 384, "it's/here") ==
        "{'num_splits': 10, 'k_start': -1, 'k_end': -1, 'task': 'tcga_brca_subtype', 'max_epochs': 20, 'results_dir': "
        "'results/tcga_brca_subtype/tcga_brca_subtype_clam_sb_vits_tcga_pancancer_dino_1.00_none_s1', 'lr': 1e-05, "
        "'experiment': 'tcga_brca_subtype_clam_sb_vits_tcga_pancancer_dino_1.00', 'reg': 1e-05, 'label_frac': 1.0, "
        "'bag_loss': 'ce', 'seed': 1, 'model_type': 'clam_sb', 'model_size': 'small', 'use_drop_out': True, "
        "'weighted_sample': True, 'opt': 'adam', 'bag_weight': 0.7, 'inst_loss': 'svm', 'B': 8, 'split_dir': "
        "'it\\'s/here'}\n");
  options.results.exp_code = "mine";
  CHECK(subtype::results_folder(options, task, 384).root == "results/tcga_brca_subtype/mine_none_s1");
}

TEST_CASE("options that contradict each other are refused") {
  const auto refusal = [](const SubtypeOptions& options) {
    std::string message;
    CHECK(test::error_of([&] { subtype::check(options); }, &message) == ErrorCode::InvalidArgument);
    return message;
  };
  CHECK(refusal(options_of(mil::ModelType::Mil, 1.0, "vit4k_xs_dino")) ==
        "--pretrain_4k: mil has no ViT-4096, hipt_lgp has");
  CHECK(refusal(options_of(mil::ModelType::HiptN, 1.0, "None", true)) ==
        "--freeze_4k: hipt_n has no ViT-4096, hipt_lgp has");
  SubtypeOptions options = options_of(mil::ModelType::Mil, 1.0);
  subtype::check(options);
  options.data.mode = subtype::BagMode::Pyramid;
  CHECK(refusal(options) == "--mode pyramid: mil takes path");
  options = options_of(mil::ModelType::HiptLgp, 1.0);
  options.data.mode = subtype::BagMode::Path;  // what the published program's default is, and overrules
  subtype::check(options);
  options.folds.k_start = 3;
  options.folds.k_end = 3;
  CHECK(refusal(options) == "--k_start 3 --k_end 3: no fold of 10 lies there");
  options = {};
  CHECK(refusal(options) == "name where the features are: --data_root_dir TCGA_ROOT_DIR or --bags FOLDER");
}
