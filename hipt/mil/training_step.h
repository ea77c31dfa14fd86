#pragma once
// One bag of the published training loops (HIPT's and CLAM's core_utils.py): losses, gradients, the optimiser's step.

#include <cstdint>
#include <memory>
#include <vector>

#include "hipt/mil/bag.h"
#include "hipt/mil/model.h"

namespace hipt::mil {

struct StepResult {
  double bag_loss = 0.0;                           // before weighting and division
  double instance_loss = 0.0;                      // CLAM
  std::vector<double> instance_terms;              // CLAM: of each class scored, in rising order
  std::vector<std::int64_t> instance_targets;      // CLAM: likewise, most attended first
  std::vector<std::int64_t> instance_predictions;  // CLAM
  ModelOutput output;
};

class TrainingStep {
 public:
  TrainingStep(Model& model, const TrainingOptions& options);  // the model outlives it
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  // Trains on one bag. Throws InvalidArgument for a label that is no class, or what Model::predict refuses.
  StepResult train(const Bag& bag, std::int64_t label);
  // Steps with what Accumulate::True has gathered.
  void end_epoch();
  // Losses without training or dropout.
  StepResult evaluate(const Bag& bag, std::int64_t label) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::mil
