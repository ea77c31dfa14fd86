// mil: a small network scores each instance, and the instance surest of itself speaks for the bag (max pooling; CLAM's
// models/model_mil.py).

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "hipt/mil/network_torch.h"

namespace hipt::mil {
namespace {

using train::Initial;
using train::Linear;

// Two classes: the instance of largest probability of class 1.
class BinaryMil final : public Network {
 public:
  explicit BinaryMil(const ModelOptions& options)
      : Network(options),
        hidden_(parameters_, "classifier.0", options.input_dim, options.input_dim, Initial::XavierNormal),
        classifier_(parameters_, "classifier.3", options.input_dim, 2, Initial::XavierNormal) {}

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    output.instance_logits = classifier_(hidden_layer(hidden_, bag.features));
    const at::Tensor best = at::softmax(output.instance_logits, 1).select(1, 1).argmax(0, /*keepdim=*/true);
    output.logits = output.instance_logits.index_select(0, best);
    return output;
  }

 private:
  Linear hidden_;
  Linear classifier_;
};

// More classes: the instance of the largest probability of any class, which is then the class predicted.
class MultiClassMil final : public Network {
 public:
  explicit MultiClassMil(const ModelOptions& options)
      : Network(options), hidden_(parameters_, "fc.0", options.input_dim, options.input_dim, Initial::XavierNormal) {
    for (std::int64_t c = 0; c < options.classes; ++c) {
      classifiers_.emplace_back(parameters_, fmt::format("classifiers.{}", c), options.input_dim, 1,
                                Initial::XavierNormal);
    }
  }

  NetworkOutput forward(const BagTensors& bag) const override {
    const at::Tensor h = hidden_layer(hidden_, bag.features);
    std::vector<at::Tensor> columns;
    for (const Linear& classifier : classifiers_) columns.push_back(classifier(h));
    NetworkOutput output;
    output.instance_logits = at::cat(columns, 1);
    const at::Tensor cell = at::softmax(output.instance_logits, 1).flatten().argmax(0, /*keepdim=*/true);
    output.logits = output.instance_logits.index_select(0, at::floor_divide(cell, options_.classes));
    return output;
  }

 private:
  Linear hidden_;
  std::vector<Linear> classifiers_;
};

}  // namespace

std::unique_ptr<Network> make_mil(const ModelOptions& options) {
  if (options.classes == 2) return std::make_unique<BinaryMil>(options);
  return std::make_unique<MultiClassMil>(options);
}

}  // namespace hipt::mil
