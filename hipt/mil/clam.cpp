// clam_sb and clam_mb: gated attention over instances, one branch or one a class, and a second loss that sorts the most
// and the least attended instances (Lu et al. 2021; CLAM's models/model_clam.py).

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "hipt/mil/network_torch.h"

namespace hipt::mil {
namespace {

using train::GatedAttention;
using train::Initial;
using train::Linear;

class Clam final : public Network {
 public:
  explicit Clam(const ModelOptions& options)
      : Network(options),
        is_multi_branch_(options.type == ModelType::ClamMb),
        embed_(parameters_, "attention_net.0", options.input_dim, widths(options).first, Initial::XavierNormal),
        attention_(parameters_, "attention_net.3", widths(options).first, widths(options).second, options.dropout,
                   is_multi_branch_ ? options.classes : 1, Initial::XavierNormal) {
    const std::int64_t width = widths(options).first;
    if (is_multi_branch_) {
      for (std::int64_t c = 0; c < options.classes; ++c) {
        classifiers_.emplace_back(parameters_, fmt::format("classifiers.{}", c), width, 1, Initial::XavierNormal);
      }
    } else {
      classifiers_.emplace_back(parameters_, "classifiers", width, options.classes, Initial::XavierNormal);
    }
    for (std::int64_t c = 0; c < options.classes; ++c) {
      instance_classifiers_.emplace_back(parameters_, fmt::format("instance_classifiers.{}", c), width, 2,
                                         Initial::XavierNormal);
    }
    // The published loss is a module with the numbers of its classes; a saved model holds them.
    if (options.instance_loss == LossKind::SmoothSvm) {
      parameters_.add_buffer("instance_loss_fn.labels", at::arange(2, at::TensorOptions(at::kLong)));
    }
  }

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    output.hidden = hidden_layer(embed_, bag.features);                                // [N, width]
    const at::Tensor pooled = pool(attention_(output.hidden), output.hidden, output);  // [branches, width]
    if (!is_multi_branch_) {
      output.logits = classifiers_.front()(pooled);
      return output;
    }
    std::vector<at::Tensor> columns;
    for (std::int64_t c = 0; c < options_.classes; ++c) {
      columns.push_back(classifiers_[static_cast<std::size_t>(c)](pooled.slice(0, c, c + 1)));
    }
    output.logits = at::cat(columns, 1);
    return output;
  }

  std::optional<InstanceLoss> instance_loss(const NetworkOutput& output, std::int64_t label) const override {
    InstanceLoss result{at::zeros({}), {}, {}, {}};
    for (std::int64_t c = 0; c < options_.classes; ++c) {
      if (c != label && !options_.subtyping) continue;
      const at::Tensor scores = output.attention[is_multi_branch_ ? c : 0];
      const std::int64_t k = std::min(options_.instances_per_side, scores.size(0));
      const at::Tensor most = std::get<1>(scores.topk(k));
      const at::Tensor least = std::get<1>(scores.neg().topk(k));
      const auto integers = at::TensorOptions(at::kLong);
      if (c == label) {
        score(output.hidden, c, at::cat({most, least}), at::cat({at::ones({k}, integers), at::zeros({k}, integers)}),
              result);
      } else {
        score(output.hidden, c, most, at::zeros({k}, integers), result);
      }
    }
    if (options_.subtyping) result.loss = result.loss / options_.classes;
    return result;
  }

 private:
  // Adds the loss of some instances under the classifier of class `c`.
  void score(const at::Tensor& hidden, std::int64_t c, const at::Tensor& instances, const at::Tensor& targets,
             InstanceLoss& result) const {
    const at::Tensor logits = instance_classifiers_[static_cast<std::size_t>(c)](hidden.index_select(0, instances));
    const at::Tensor loss = classification_loss(options_.instance_loss, logits, targets);
    const at::Tensor predictions = logits.argmax(1);
    result.loss = result.loss + loss;
    result.terms.push_back(loss.item<double>());
    const auto append = [](std::vector<std::int64_t>& list, const at::Tensor& values) {
      const std::span<const std::int64_t> numbers(values.const_data_ptr<std::int64_t>(),
                                                  static_cast<std::size_t>(values.numel()));
      list.insert(list.end(), numbers.begin(), numbers.end());
    };
    append(result.targets, targets);
    append(result.predictions, predictions);
  }

  bool is_multi_branch_;
  Linear embed_;
  GatedAttention attention_;
  std::vector<Linear> classifiers_;  // clam_sb: one of all classes
  std::vector<Linear> instance_classifiers_;
};

}  // namespace

std::unique_ptr<Network> make_clam(const ModelOptions& options) {
  return std::make_unique<Clam>(options);
}

}  // namespace hipt::mil
