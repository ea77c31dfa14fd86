// Models that embed patches, pool them and classify the whole: amil (Ilse et al. 2018), deepset (Zaheer et al. 2017),
// mi_fcn (DeepAttnMISL, Yao et al. 2020) and dgcn (DeepGraphConv, Li et al. 2018), as in MCAT's and HIPT's models/.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/mil/network_torch.h"

namespace hipt::mil {
namespace {

using train::GatedAttention;
using train::Linear;

constexpr std::int64_t kGraphDim = 256;

// attention_net of MCAT: Linear - ReLU - Dropout - gated attention, then rho and the classifier over the pooled.
class AttentionHead {
 public:
  AttentionHead(train::ParameterSet& set, std::int64_t in, Widths width, std::int64_t classes, double dropout)
      : embed(set, "attention_net.0", in, width.first),
        attention(set, "attention_net.3", width.first, width.second, dropout),
        rho(set, "rho.0", width.first, width.second),
        classifier(set, "classifier", width.second, classes) {}

  Linear embed;
  GatedAttention attention;
  Linear rho;
  Linear classifier;
};

// Every patch.
class Amil final : public Network {
 public:
  explicit Amil(const ModelOptions& options)
      : Network(options), head_(parameters_, options.input_dim, widths(options), options.classes, options.dropout) {}

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    const at::Tensor h = hidden_layer(head_.embed, bag.features);
    output.logits = head_.classifier(hidden_layer(head_.rho, pool(head_.attention(h), h, output)));
    return output;
  }

 private:
  AttentionHead head_;
};

// The sum of the patches, without attention.
class DeepSet final : public Network {
 public:
  explicit DeepSet(const ModelOptions& options)
      : Network(options),
        phi_(parameters_, "phi.0", options.input_dim, widths(options).first),
        rho_(parameters_, "rho.0", widths(options).first, widths(options).second),
        classifier_(parameters_, "classifier", widths(options).second, options.classes) {}

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    const at::Tensor pooled = hidden_layer(phi_, bag.features).sum(0, /*keepdim=*/true);
    output.logits = classifier_(hidden_layer(rho_, pooled));
    return output;
  }

 private:
  Linear phi_;
  Linear rho_;
  Linear classifier_;
};

// One mean for each cluster of patches, embedded by a network of its own; then attention over the clusters.
class MiFcn final : public Network {
 public:
  explicit MiFcn(const ModelOptions& options) : Network(options) {
    const Widths width = widths(options);
    for (std::int64_t cluster = 0; cluster < kClusters; ++cluster) {
      first_.emplace_back(parameters_, fmt::format("phis.{}.0", cluster), options.input_dim, width.first);
      second_.emplace_back(parameters_, fmt::format("phis.{}.3", cluster), width.first, width.first);
    }
    head_.emplace(parameters_, width.first, width, options.classes, options.dropout);
  }

  NetworkOutput forward(const BagTensors& bag) const override {
    std::vector<at::Tensor> means;
    for (std::int64_t cluster = 0; cluster < kClusters; ++cluster) {
      const at::Tensor members = bag.clusters.eq(cluster).nonzero().flatten();
      if (members.numel() == 0) {
        means.push_back(at::zeros({widths(options_).first}));
        continue;
      }
      const auto index = static_cast<std::size_t>(cluster);
      const at::Tensor embedded = hidden_layer(first_[index], bag.features.index_select(0, members));
      means.push_back(hidden_layer(second_[index], embedded).mean(0));
    }
    NetworkOutput output;
    const at::Tensor h = hidden_layer(head_->embed, at::stack(means));  // [clusters, width]
    output.logits = head_->classifier(hidden_layer(head_->rho, pool(head_->attention(h), h, output)));
    return output;
  }

 private:
  std::vector<Linear> first_;
  std::vector<Linear> second_;
  std::optional<AttentionHead> head_;
};

// Three rounds in which each patch hears its neighbours (GIN, Xu et al. 2019, epsilon 0), then attention.
class Dgcn final : public Network {
 public:
  explicit Dgcn(const ModelOptions& options)
      : Network(options),
        rounds_{round("conv1", options.input_dim), round("conv2", kGraphDim), round("conv3", kGraphDim)},
        attention_(parameters_, "path_attention_head", kGraphDim, kGraphDim, options.dropout),
        rho_(parameters_, "path_rho.0", kGraphDim, kGraphDim),
        classifier_(parameters_, "classifier", kGraphDim, options.classes) {}

  NetworkOutput forward(const BagTensors& bag) const override {
    at::Tensor x = bag.features;
    for (const Round& round : rounds_) {
      const at::Tensor heard = at::zeros_like(x).index_add(0, bag.targets, x.index_select(0, bag.sources));
      x = at::relu(round.second(at::relu(round.first(x + heard))));
    }
    NetworkOutput output;
    output.logits = classifier_(hidden_layer(rho_, pool(attention_(x), x, output)));
    return output;
  }

 private:
  struct Round {
    Linear first;
    Linear second;
  };

  Round round(const std::string& name, std::int64_t in) {
    return {.first = Linear(parameters_, name + ".nn.0", in, kGraphDim),
            .second = Linear(parameters_, name + ".nn.2", kGraphDim, kGraphDim)};
  }

  std::array<Round, 3> rounds_;
  GatedAttention attention_;
  Linear rho_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Network> make_amil(const ModelOptions& options) {
  return std::make_unique<Amil>(options);
}

std::unique_ptr<Network> make_deep_set(const ModelOptions& options) {
  return std::make_unique<DeepSet>(options);
}

std::unique_ptr<Network> make_mi_fcn(const ModelOptions& options) {
  return std::make_unique<MiFcn>(options);
}

std::unique_ptr<Network> make_dgcn(const ModelOptions& options) {
  return std::make_unique<Dgcn>(options);
}

}  // namespace hipt::mil
