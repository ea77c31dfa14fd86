// The optimiser's memory as named arrays, and back.

#include <memory>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/mil/optimiser_torch.h"
#include "hipt/train/tensor_torch.h"

namespace hipt::mil {
namespace {

using NamedArrays = std::vector<std::pair<std::string, Array>>;
using train::ParameterSet;

Array step_array(std::int64_t step) {
  Array array = Array::of<std::int64_t>({1});
  array.as_mutable<std::int64_t>()[0] = step;
  return array;
}

// The tensor of that name, nothing when absent.
std::optional<at::Tensor> find(const io::StateDict& state, const std::string& name, at::IntArrayRef shape) {
  const auto entry = state.tensors.find(name);
  if (entry == state.tensors.end()) return std::nullopt;
  at::Tensor tensor = train::to_tensor(*entry->second);
  if (tensor.sizes() != shape) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("the optimiser's {} is {}, which does not fit the model", name,
                                                        to_string(entry->second->shape())));
  }
  return tensor;
}

at::Tensor require(const io::StateDict& state, const std::string& name, at::IntArrayRef shape) {
  if (auto tensor = find(state, name, shape)) return *std::move(tensor);
  throw Error(ErrorCode::InvalidArgument, fmt::format("the optimiser's state has no {}", name));
}

}  // namespace

NamedArrays optimiser_state(const torch::optim::Optimizer& optimiser, const ParameterSet& parameters) {
  NamedArrays state;
  for (const ParameterSet::Entry& entry : parameters.entries()) {
    const auto found = optimiser.state().find(entry.tensor.unsafeGetTensorImpl());
    if (found == optimiser.state().end()) continue;  // frozen, or never touched
    if (const auto* adam = dynamic_cast<const torch::optim::AdamParamState*>(found->second.get())) {
      state.emplace_back(entry.name + ".step", step_array(adam->step()));
      state.emplace_back(entry.name + ".exp_avg", train::to_array(adam->exp_avg()));
      state.emplace_back(entry.name + ".exp_avg_sq", train::to_array(adam->exp_avg_sq()));
    } else if (const auto* sgd = dynamic_cast<const torch::optim::SGDParamState*>(found->second.get())) {
      state.emplace_back(entry.name + ".momentum_buffer", train::to_array(sgd->momentum_buffer()));
    }
  }
  return state;
}

void load_optimiser_state(const io::StateDict& state, const ParameterSet& parameters,
                          torch::optim::Optimizer& optimiser) {
  const bool is_adam = dynamic_cast<torch::optim::Adam*>(&optimiser) != nullptr;
  for (const ParameterSet::Entry& entry : parameters.entries()) {
    void* const key = entry.tensor.unsafeGetTensorImpl();
    const at::IntArrayRef shape = entry.tensor.sizes();
    optimiser.state().erase(key);
    if (is_adam) {
      const auto step = find(state, entry.name + ".step", {1});
      if (!step) continue;
      auto own = std::make_unique<torch::optim::AdamParamState>();
      own->step(step->item<std::int64_t>());
      own->exp_avg(require(state, entry.name + ".exp_avg", shape));
      own->exp_avg_sq(require(state, entry.name + ".exp_avg_sq", shape));
      optimiser.state()[key] = std::move(own);
    } else if (auto momentum = find(state, entry.name + ".momentum_buffer", shape)) {
      auto own = std::make_unique<torch::optim::SGDParamState>();
      own->momentum_buffer(*std::move(momentum));
      optimiser.state()[key] = std::move(own);
    }
  }
}

}  // namespace hipt::mil
