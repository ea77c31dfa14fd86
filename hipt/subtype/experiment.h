#pragma once
// Names and layout of results, as HIPT's published main.py has them:
//   <results_dir>/<task>/<experiment>_none_s<seed>/
//     experiment_<experiment>.txt          the options, as Python prints a dict
//     splits_<k>.csv                       slides of the fold that were used
//     s_<k>_checkpoint.pt                  the fold's weights
//     split_<k>_results.pkl                test slides: probabilities and labels
//     summary.csv                          one row a fold; summary_partial_<k_start>_<k_end>.csv of a part of the folds
// and of ours, beside them:
//     fold_<k>.json                        losses of every epoch and the fold's measures; it marks a finished fold
//     s_<k>_state.pt                       a fold that is being trained: what resuming needs

#include <cstdint>
#include <filesystem>
#include <string>

#include "hipt/bags/dataset.h"
#include "hipt/subtype/options.h"

namespace hipt::subtype {

struct ResultsFolder {
  std::filesystem::path root;

  std::filesystem::path split(std::int64_t fold) const { return root / ("splits_" + std::to_string(fold) + ".csv"); }
  std::filesystem::path checkpoint(std::int64_t fold) const {
    return root / ("s_" + std::to_string(fold) + "_checkpoint.pt");
  }
  std::filesystem::path predictions(std::int64_t fold) const {
    return root / ("split_" + std::to_string(fold) + "_results.pkl");
  }
  std::filesystem::path fold(std::int64_t fold) const { return root / ("fold_" + std::to_string(fold) + ".json"); }
  std::filesystem::path state(std::int64_t fold) const { return root / ("s_" + std::to_string(fold) + "_state.pt"); }
  std::filesystem::path events(std::int64_t fold) const { return root / std::to_string(fold); }  // TensorBoard's
  std::filesystem::path summary() const { return root / "summary.csv"; }
  std::filesystem::path partial_summary(std::int64_t first, std::int64_t end) const {
    return root / ("summary_partial_" + std::to_string(first) + "_" + std::to_string(end) + ".csv");
  }
};

// The model as names of experiments have it: "hipt_lgp[vit4k_xs_dino]_freeze_[None]", "mil", "hipt_gp_192" (the width
// of instances where it is not 384).
std::string model_code(const SubtypeOptions& options, std::int64_t input_dim);

// "tcga_brca_subtype_mil_vits_tcga_pancancer_dino_0.25", or --exp_code.
std::string experiment_code(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim);

ResultsFolder results_folder(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim);

// The text of experiment_<experiment>.txt: published keys and values, one Python dict in one line.
std::string experiment_text(const SubtypeOptions& options, const bags::Task& task, std::int64_t input_dim,
                            const std::filesystem::path& split_dir);

}  // namespace hipt::subtype
