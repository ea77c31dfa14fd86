#pragma once
// What a model is and how it is trained, under the flags of the published programs.

#include <cstdint>
#include <span>

#include "hipt/base/options.h"

namespace hipt::mil {

// --model_type. What each is stands in the file that makes it.
enum class ModelType { Mil, ClamSb, ClamMb, Dsmil, MiFcn, Dgcn, Amil, DeepSet, HiptN, HiptGp, HiptLgp };
inline std::span<const EnumName<ModelType>> enum_names(ModelType) {
  static constexpr EnumName<ModelType> kNames[] = {
      {ModelType::Mil, "mil"},        {ModelType::ClamSb, "clam_sb"},  {ModelType::ClamMb, "clam_mb"},
      {ModelType::Dsmil, "dsmil"},    {ModelType::MiFcn, "mi_fcn"},    {ModelType::Dgcn, "dgcn"},
      {ModelType::Amil, "amil"},      {ModelType::DeepSet, "deepset"}, {ModelType::HiptN, "hipt_n"},
      {ModelType::HiptGp, "hipt_gp"}, {ModelType::HiptLgp, "hipt_lgp"}};
  return kNames;
}

enum class ModelSize { Small, Big };
inline std::span<const EnumName<ModelSize>> enum_names(ModelSize) {
  static constexpr EnumName<ModelSize> kNames[] = {{ModelSize::Small, "small"}, {ModelSize::Big, "big"}};
  return kNames;
}

enum class LossKind { CrossEntropy, SmoothSvm };
inline std::span<const EnumName<LossKind>> enum_names(LossKind) {
  static constexpr EnumName<LossKind> kNames[] = {{LossKind::CrossEntropy, "ce"}, {LossKind::SmoothSvm, "svm"}};
  return kNames;
}

struct ModelOptions {
  ModelType type = ModelType::HiptLgp;
  ModelSize size = ModelSize::Small;
  double dropout = 0.25;
  std::int64_t seed = 1;  // initial parameters and dropout
  LossKind bag_loss = LossKind::CrossEntropy;
  LossKind instance_loss = LossKind::SmoothSvm;  // CLAM
  std::int64_t instances_per_side = 8;           // CLAM: of most and of least attention; all where the bag has fewer
  bool subtyping = false;  // CLAM: classes exclude each other, so the most attended of the others are negatives
  bool freeze_4k = false;  // hipt_lgp

  // These follow from the data, or from the checkpoint that is loaded.
  std::int64_t classes = 2;
  std::int64_t input_dim = 384;   // width of an instance; hipt_lgp takes 384, hipt_gp 192
  bool dsmil_deep_query = false;  // dsmil as its authors published it for CAMELYON16: two layers, no values
};

template <class Visitor>
void describe(ModelOptions& options, Visitor& visitor) {
  visitor(options.type, {.name = "model_type", .help = "weakly supervised model"});
  visitor(options.size, {.name = "model_size", .help = "widths of the hidden layers"});
  visitor(options.dropout, {.name = "dropout", .help = "share of numbers dropped in training", .min = 0, .max = 0.99});
  visitor(options.seed, {.name = "seed", .help = "of initial weights, dropout and sampling", .min = 0});
  visitor(options.bag_loss, {.name = "bag_loss", .help = "loss of a slide"});
  visitor(options.instance_loss, {.name = "inst_loss", .help = "clam: loss of instances"});
  visitor(options.instances_per_side,
          {.name = "B", .help = "clam: instances taken from each end of the attention", .min = 1, .max = 65536});
  visitor(options.subtyping, {.name = "subtyping", .help = "clam: classes exclude each other"});
  visitor(options.freeze_4k, {.name = "freeze_4k", .help = "hipt_lgp: leave ViT-4096 as it is"});
}

// Adam of Kingma and Ba 2015; SGD with momentum 0.9.
enum class OptimiserKind { Adam, Sgd };
inline std::span<const EnumName<OptimiserKind>> enum_names(OptimiserKind) {
  static constexpr EnumName<OptimiserKind> kNames[] = {{OptimiserKind::Adam, "adam"}, {OptimiserKind::Sgd, "sgd"}};
  return kNames;
}

// HIPT's published loop divides the loss by 32, as if it summed the gradients of 32 bags, but steps after each. For
// Adam the scale nearly cancels, except that the weight decay, added to the divided gradient, weighs 32 times as much.
enum class Accumulate {
  Published,  // divide (CLAM's loop does not), step after each bag
  True,       // divide, step after kAccumulatedBags bags and at the end of an epoch
};
inline constexpr std::int64_t kAccumulatedBags = 32;
inline std::span<const EnumName<Accumulate>> enum_names(Accumulate) {
  static constexpr EnumName<Accumulate> kNames[] = {{Accumulate::Published, "published"}, {Accumulate::True, "true"}};
  return kNames;
}

struct TrainingOptions {
  OptimiserKind optimiser = OptimiserKind::Adam;
  double learning_rate = 2e-4;
  double weight_decay = 1e-5;    // L2: added to the gradient
  double bag_weight = 0.7;       // CLAM: weight of the slide's loss; the instances' has the rest
  bool no_inst_cluster = false;  // CLAM: trained on the slide's loss alone, by HIPT's loop
  Accumulate accumulate = Accumulate::Published;
};

template <class Visitor>
void describe(TrainingOptions& options, Visitor& visitor) {
  visitor(options.optimiser, {.name = "opt", .help = "optimiser"});
  visitor(options.learning_rate, {.name = "lr", .help = "learning rate", .min = 0, .max = 100});
  visitor(options.weight_decay, {.name = "reg", .help = "weight decay, added to the gradient", .min = 0, .max = 100});
  visitor(options.bag_weight, {.name = "bag_weight", .help = "clam: weight of the slide's loss", .min = 0, .max = 1});
  visitor(options.no_inst_cluster, {.name = "no_inst_cluster", .help = "clam: train on the slide's loss alone"});
  visitor(options.accumulate, {.name = "accumulate", .help = "when the optimiser steps"});
}

}  // namespace hipt::mil
