#include "hipt/mil/training_step.h"

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/mil/network_torch.h"
#include "hipt/mil/optimiser_torch.h"

namespace hipt::mil {
namespace {

std::unique_ptr<torch::optim::Optimizer> make_optimiser(std::vector<at::Tensor> parameters,
                                                        const TrainingOptions& options) {
  if (options.optimiser == OptimiserKind::Sgd) {
    return std::make_unique<torch::optim::SGD>(
        std::move(parameters),
        torch::optim::SGDOptions(options.learning_rate).momentum(0.9).weight_decay(options.weight_decay));
  }
  return std::make_unique<torch::optim::Adam>(
      std::move(parameters), torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
}

struct Losses {
  at::Tensor total;  // scalar, weighted, before any division
  StepResult result;
};

}  // namespace

struct TrainingStep::State {
  Network& network;
  TrainingOptions options;
  std::unique_ptr<torch::optim::Optimizer> optimiser;
  std::int64_t gathered = 0;  // bags since the last step

  Losses losses(const Bag& bag, std::int64_t label) const;
  double divisor() const;
  void step();
};

Losses TrainingStep::State::losses(const Bag& bag, std::int64_t label) const {
  const ModelOptions& model = network.options();
  if (label < 0 || label >= model.classes) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("label {}: the model has {} classes", label, model.classes));
  }
  const NetworkOutput output = network.forward(to_tensors(model, bag));
  const at::Tensor bag_loss =
      classification_loss(model.bag_loss, output.logits, at::full({1}, label, at::TensorOptions(at::kLong)));
  Losses losses;
  losses.total = bag_loss;
  if (auto instances = options.no_inst_cluster ? std::nullopt : network.instance_loss(output, label)) {
    losses.total = options.bag_weight * bag_loss + (1.0 - options.bag_weight) * instances->loss;
    losses.result.instance_loss = instances->loss.item<double>();
    losses.result.instance_terms = std::move(instances->terms);
    losses.result.instance_targets = std::move(instances->targets);
    losses.result.instance_predictions = std::move(instances->predictions);
  }
  losses.result.bag_loss = bag_loss.item<double>();
  losses.result.output = to_output(output);
  return losses;
}

double TrainingStep::State::divisor() const {
  const ModelType type = network.options().type;
  const bool is_clam = (type == ModelType::ClamSb || type == ModelType::ClamMb) && !options.no_inst_cluster;
  return is_clam && options.accumulate == Accumulate::Published ? 1.0 : static_cast<double>(kAccumulatedBags);
}

void TrainingStep::State::step() {
  optimiser->step();
  // To none, not to zero: a parameter that the next bag does not touch then stands still, as in torch since 2.0.
  optimiser->zero_grad(/*set_to_none=*/true);
  gathered = 0;
}

TrainingStep::TrainingStep(Model& model, const TrainingOptions& options)
    : state_(std::make_unique<State>(
          State{*model.network_, options, make_optimiser(model.network_->parameters().trainable(), options)})) {}

TrainingStep::~TrainingStep() = default;

StepResult TrainingStep::train(const Bag& bag, std::int64_t label) {
  state_->network.parameters().set_training(true);
  Losses losses = state_->losses(bag, label);
  (losses.total / state_->divisor()).backward();
  ++state_->gathered;
  if (state_->options.accumulate == Accumulate::Published || state_->gathered == kAccumulatedBags) state_->step();
  return std::move(losses.result);
}

void TrainingStep::begin_epoch(std::int64_t epoch) {
  constexpr std::uint64_t kFar = 0x9e3779b9;  // the golden ratio of 32 bits: seeds of epochs and of runs do not meet
  state_->network.parameters().reseed(static_cast<std::uint64_t>(state_->network.options().seed) +
                                      kFar * static_cast<std::uint64_t>(epoch + 1));
}

void TrainingStep::end_epoch() {
  if (state_->gathered > 0) state_->step();
}

StepResult TrainingStep::evaluate(const Bag& bag, std::int64_t label) const {
  const at::NoGradGuard no_gradients;
  state_->network.parameters().set_training(false);
  return state_->losses(bag, label).result;
}

std::vector<std::pair<std::string, Array>> TrainingStep::state() const {
  return optimiser_state(*state_->optimiser, state_->network.parameters());
}

void TrainingStep::load_state(const io::StateDict& state) {
  load_optimiser_state(state, state_->network.parameters(), *state_->optimiser);
}

}  // namespace hipt::mil
