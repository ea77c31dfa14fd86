#pragma once
// The flags of `hipt subtype`, under the names of HIPT's published main.py.

#include <cstdint>
#include <span>
#include <string>

#include "hipt/base/options.h"
#include "hipt/mil/options.h"

namespace hipt::subtype {

// --mode: what a slide's bag is made of. The model decides; the published program wants it said.
enum class BagMode {
  Automatic,
  Path,     // patches [N, D]
  Pyramid,  // regions [M, 256, 384]
  Cluster,  // patches and their clusters
  Graph,    // patches and a graph over them
  Region,   // vectors of regions [M, 192]
};
inline std::span<const EnumName<BagMode>> enum_names(BagMode) {
  static constexpr EnumName<BagMode> kNames[] = {
      {BagMode::Automatic, "auto"},  {BagMode::Path, "path"},   {BagMode::Pyramid, "pyramid"},
      {BagMode::Cluster, "cluster"}, {BagMode::Graph, "graph"}, {BagMode::Region, "local_region_features"}};
  return kNames;
}

// --edges: which patches dgcn joins.
enum class GraphEdges { Latent, Spatial };
inline std::span<const EnumName<GraphEdges>> enum_names(GraphEdges) {
  static constexpr EnumName<GraphEdges> kNames[] = {{GraphEdges::Latent, "latent"}, {GraphEdges::Spatial, "spatial"}};
  return kNames;
}

struct DataOptions {
  std::string task = "tcga_lung_subtype";
  std::string data_root_dir;
  std::string bags;
  std::string features = "vits_tcga_pancancer_dino";
  std::string study;
  std::string csv_path;
  std::string split_dir;
  BagMode mode = BagMode::Automatic;
  std::int64_t path_input_dim = 0;
  double prop = 1.0;
  GraphEdges edges = GraphEdges::Latent;
  bool allow_missing = false;
  bool allow_shared_patients = false;
};

template <class Visitor>
void describe(DataOptions& o, Visitor& v) {
  v(o.task, {.name = "task",
             .help = "tcga_brca_subtype, tcga_lung_subtype, tcga_kidney_subtype, or a CSV file of a column's values "
                     "and their classes",
             .affects = Affects::HowItRuns});
  v(o.data_root_dir,
    {.name = "data_root_dir", .help = "TCGA_ROOT_DIR, whose studies hold the features", .affects = Affects::HowItRuns});
  v(o.bags, {.name = "bags",
             .help = "folder of features <slide_id>.pt or .h5 (or its pt_files/, h5_files/), looked in first",
             .affects = Affects::HowItRuns});
  v(o.features, {.name = "features", .help = "the encoder, as the feature folders are called"});
  v(o.study, {.name = "study",
              .help = "study folders of data_root_dir, with commas between; \"\": those of the task",
              .affects = Affects::HowItRuns});
  v(o.csv_path, {.name = "csv_path",
                 .help = "table of slides, patients and labels; \"\": dataset_csv/<cohort>_subset.csv.zip here or in "
                         "data_root_dir",
                 .affects = Affects::HowItRuns});
  v(o.split_dir, {.name = "split_dir",
                  .help = "folder of splits_<k>.csv, made when it has none; \"\": splits/10foldcv_subtype/<cohort>, "
                          "else splits of our own in the results",
                  .affects = Affects::HowItRuns});
  v(o.mode, {.name = "mode",
             .help = "what bags hold; the model decides, another mode than its own is an error",
             .affects = Affects::HowItRuns});
  v(o.path_input_dim, {.name = "path_input_dim",
                       .help = "width of an instance; 0: as the bags have it, else an error when they differ",
                       .min = 0,
                       .max = 65536,
                       .affects = Affects::HowItRuns});
  v(o.prop, {.name = "prop",
             .help = "part of the training slides that is used: those that pandas' sample draws for the seed",
             .min = 0,
             .max = 1});
  v(o.edges, {.name = "edges", .help = "dgcn: patches are joined to those of like features, or to those beside them"});
  v(o.allow_missing,
    {.name = "allow_missing", .help = "leave out slides that have no bag", .affects = Affects::HowItRuns});
  v(o.allow_shared_patients,
    {.name = "allow_shared_patients",
     .help = "splits may have slides of one patient on two sides, as the published ones do (they warn)",
     .affects = Affects::HowItRuns});
}

struct CrossValidationOptions {
  std::int64_t k = 10;
  std::int64_t k_start = -1;
  std::int64_t k_end = -1;
  std::int64_t max_epochs = 20;
  bool early_stopping = false;
  bool weighted_sample = true;
  bool drop_out = true;
  std::string pretrain_4k = "None";
  bool testing = false;
};

template <class Visitor>
void describe(CrossValidationOptions& o, Visitor& v) {
  v(o.k, {.name = "k", .help = "folds", .min = 1, .max = 1000, .affects = Affects::HowItRuns});
  v(o.k_start,
    {.name = "k_start", .help = "first fold of this run; -1: 0", .min = -1, .max = 999, .affects = Affects::HowItRuns});
  v(o.k_end, {.name = "k_end",
              .help = "the fold after the last of this run; -1: k",
              .min = -1,
              .max = 1000,
              .affects = Affects::HowItRuns});
  v(o.max_epochs, {.name = "max_epochs", .help = "passes over the training slides", .min = 1, .max = 100000});
  v(o.early_stopping,
    {.name = "early_stopping",
     .help = "keep the weights of the least validation loss; end after epoch 50 without a better one for 20"});
  v(o.weighted_sample, {.name = "weighted_sample", .help = "draw slides of rare classes as often as the others"});
  v(o.drop_out, {.name = "drop_out", .help = "dropout in training"});
  v(o.pretrain_4k, {.name = "pretrain_4k",
                    .help = "hipt_lgp: weights of ViT-4096: vit4k_xs_dino (its .pth in $HIPT_WEIGHTS or "
                            "~/.local/share/hipt), a file, or None",
                    .affects = Affects::HowItRuns});
  v(o.testing, {.name = "testing",
                .help = "a tenth of the slides, to see whether everything runs",
                .affects = Affects::HowItRuns});
}

struct ResultOptions {
  std::string results_dir = "results";
  std::string exp_code;
  std::string cache_dir;
  bool log_data = true;
  std::int64_t save_every = 10;
  bool no_auto_skip = false;
};

template <class Visitor>
void describe(ResultOptions& o, Visitor& v) {
  v(o.results_dir, {.name = "results_dir",
                    .help = "results go to <results_dir>/<task>/<experiment>_none_s<seed>/",
                    .affects = Affects::HowItRuns});
  v(o.exp_code, {.name = "exp_code",
                 .help = "the experiment's name; \"\": <task>_<model>_<features>_<prop>, as published",
                 .affects = Affects::HowItRuns});
  v(o.cache_dir, {.name = "cache_dir",
                  .help = "folder of what is computed once from bags: vectors of regions, clusters, graphs; \"\": "
                          "<results_dir>/cache",
                  .affects = Affects::HowItRuns});
  v(o.log_data, {.name = "log_data", .help = "event files for TensorBoard", .affects = Affects::HowItRuns});
  v(o.save_every,
    {.name = "save_every",
     .unit = "s",
     .help = "a fold's state, which resuming starts from, is written at the first end of an epoch after so "
             "long",
     .min = 0,
     .affects = Affects::HowItRuns});
  v(o.no_auto_skip, {.name = "no_auto_skip",
                     .help = "train folds anew that are there, finished or begun",
                     .affects = Affects::HowItRuns});
}

struct SubtypeOptions {
  DataOptions data;
  mil::ModelOptions model{.type = mil::ModelType::ClamSb};
  mil::TrainingOptions training;
  CrossValidationOptions folds;
  ResultOptions results;
};

// The folds of this run: first_fold .. end_fold - 1.
inline std::int64_t first_fold(const CrossValidationOptions& o) {
  return o.k_start < 0 ? 0 : o.k_start;
}
inline std::int64_t end_fold(const CrossValidationOptions& o) {
  return o.k_end < 0 ? o.k : o.k_end;
}

// Every option that changes the numbers of a fold, as name and text.
OptionTexts output_options(const SubtypeOptions& options);

// The mode of a model: hipt_n and hipt_lgp pyramid, hipt_gp local_region_features, mi_fcn cluster, dgcn graph, others
// path.
BagMode mode_of(mil::ModelType type);

// Throws InvalidArgument for options that contradict each other: a mode that is not the model's, k_start >= k_end,
// pretrain_4k or freeze_4k for a model without ViT-4096, no place for the features.
void check(const SubtypeOptions& options);

}  // namespace hipt::subtype
