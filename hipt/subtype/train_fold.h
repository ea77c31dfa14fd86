#pragma once
// Training and testing one fold, as HIPT's published core_utils.py does it.

#include <memory>
#include <string>

#include "hipt/base/run_context.h"
#include "hipt/evaluate/predictions.h"
#include "hipt/mil/model.h"
#include "hipt/subtype/bag_store.h"
#include "hipt/subtype/experiment.h"
#include "hipt/subtype/fold_result.h"
#include "hipt/subtype/folds.h"

namespace hipt::subtype {

// What the folds of an experiment share.
struct FoldInputs {
  const SubtypeOptions& options;
  const CohortData& data;
  std::shared_ptr<const vit::Weights> weights_4k;  // null: ViT-4096 starts from the seed
  ResultsFolder folder;
};

// The model before training: its widths and classes of the data, --drop_out, ViT-4096's weights.
mil::Model initial_model(const FoldInputs& inputs);

// Trains the fold in the calling thread alone, or goes on where an interrupted run of the same fingerprint stopped, and
// writes everything of it but its events: splits, checkpoint, predictions, and fold_<k>.json last. A finished fold is
// read back. Advances the progress by a slide for each that is trained.
// Throws InvalidArgument when what is there was made with other options or slides, Cancelled on a stop request (what
// was saved stays), and what loading a bag throws.
FoldResult train_fold(const FoldInputs& inputs, const Fold& fold, BagStore& bags, RunContext& context);

// What a model says of slides, and how far from their labels it is.
struct Evaluation {
  evaluate::Predictions predictions;
  double loss = 0.0;  // mean over the slides
  double error = 0.0;
  double instance_loss = 0.0;  // CLAM
};
Evaluation evaluate_slides(const CohortData& data, const std::vector<std::size_t>& slides, BagStore& bags,
                           const mil::TrainingStep& step, RunContext& context);

}  // namespace hipt::subtype
