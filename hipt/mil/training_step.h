#pragma once
// One bag of the published training loops (HIPT's and CLAM's core_utils.py): losses, gradients, the optimiser's step.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
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
  // To call before the first bag of an epoch: the epoch's dropout then follows from the model's seed and the epoch
  // alone, so that training that was interrupted between epochs goes on with the same numbers.
  void begin_epoch(std::int64_t epoch);
  // Steps with what Accumulate::True has gathered.
  void end_epoch();
  // Losses without training or dropout.
  StepResult evaluate(const Bag& bag, std::int64_t label) const;

  // What the optimiser remembers between steps: "<parameter>.exp_avg", ".exp_avg_sq" and ".step" of Adam,
  // ".momentum_buffer" of SGD. Taken between epochs, it and Model::state are all that training needs to go on.
  std::vector<std::pair<std::string, Array>> state() const;
  // Throws InvalidArgument for what is no state of this model and optimiser.
  void load_state(const io::StateDict& state);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::mil
