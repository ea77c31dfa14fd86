// dsmil: for each class the instance of largest score is the critical one, and every instance counts by its likeness to
// it (Li et al. 2021; dsmil-wsi's dsmil.py, HIPT's models/model_dsmil.py).

#include <cmath>
#include <optional>

#include "hipt/mil/network_torch.h"

namespace hipt::mil {
namespace {

using train::Linear;

constexpr std::int64_t kQueryDim = 128;

class Dsmil final : public Network {
 public:
  explicit Dsmil(const ModelOptions& options)
      : Network(options), instance_classifier_(parameters_, "i_classifier.fc.0", options.input_dim, options.classes) {
    const std::int64_t dim = options.input_dim;
    if (options.dsmil_deep_query) {
      query_.emplace(parameters_, "b_classifier.q.0", dim, kQueryDim);
      second_query_.emplace(parameters_, "b_classifier.q.2", kQueryDim, kQueryDim);
    } else {
      query_.emplace(parameters_, "b_classifier.q", dim, kQueryDim);
      value_.emplace(parameters_, "b_classifier.v.1", dim, dim);
    }
    // torch.nn.Conv1d's own start, over a kernel as wide as the features.
    const double bound = 1.0 / std::sqrt(static_cast<double>(options.classes * dim));
    bag_weight_ = parameters_.add(
        "b_classifier.fcc.weight",
        at::empty({options.classes, options.classes, dim}).uniform_(-bound, bound, parameters_.generator()));
    bag_bias_ = parameters_.add("b_classifier.fcc.bias",
                                at::empty({options.classes}).uniform_(-bound, bound, parameters_.generator()));
  }

  NetworkOutput forward(const BagTensors& bag) const override {
    const at::Tensor& x = bag.features;
    NetworkOutput output;
    output.instance_logits = instance_classifier_(x);                                        // [N, classes]
    const at::Tensor critical = query(x.index_select(0, output.instance_logits.argmax(0)));  // [classes, 128]
    const at::Tensor likeness = at::matmul(query(x), critical.t()) / std::sqrt(static_cast<double>(kQueryDim));
    output.attention_scores = likeness.t();
    output.attention = at::softmax(likeness, 0);
    const at::Tensor values = value_ ? (*value_)(x) : x;
    const at::Tensor pooled = at::matmul(output.attention.t(), values);  // [classes, dim]
    const at::Tensor bag_logits = at::conv1d(pooled.unsqueeze(0), bag_weight_, bag_bias_).view({1, -1});
    output.logits = 0.5 * (bag_logits + std::get<0>(output.instance_logits.max(0, /*keepdim=*/true)));
    return output;
  }

 private:
  at::Tensor query(const at::Tensor& x) const {
    if (!second_query_) return (*query_)(x);
    return at::tanh((*second_query_)(at::relu((*query_)(x))));
  }

  Linear instance_classifier_;
  std::optional<Linear> query_;
  std::optional<Linear> second_query_;
  std::optional<Linear> value_;
  at::Tensor bag_weight_;
  at::Tensor bag_bias_;
};

}  // namespace

std::unique_ptr<Network> make_dsmil(const ModelOptions& options) {
  return std::make_unique<Dsmil>(options);
}

}  // namespace hipt::mil
