// HIPT's own models (Chen et al. 2022, section 3; HIPT's models/model_hierarchical_mil.py): hipt_n pools patches to
// regions and regions to the slide by attention; hipt_lgp puts ViT-4096 in the place of the first and a transformer
// before the second; hipt_gp starts from the vectors that ViT-4096 gave.

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "hipt/mil/network_torch.h"
#include "hipt/train/vit_torch.h"

namespace hipt::mil {
namespace {

using train::GatedAttention;
using train::Linear;

constexpr std::int64_t kLocalDim = 256;     // hipt_n
constexpr std::int64_t kRegionSide = 16;    // patches
constexpr std::int64_t kRegionsAtOnce = 4;  // without gradients
constexpr std::int64_t kHeads = 3;
constexpr std::int64_t kLayers = 2;

class HiptN final : public Network {
 public:
  explicit HiptN(const ModelOptions& options)
      : Network(options),
        local_phi_(parameters_, "local_phi.0", options.input_dim, kLocalDim),
        local_attention_(parameters_, "local_attn_pool", kLocalDim, kLocalDim, options.dropout),
        global_phi_(parameters_, "global_phi.0", kLocalDim, kLocalDim),
        global_attention_(parameters_, "global_attn_pool", kLocalDim, kLocalDim, options.dropout),
        rho_(parameters_, "global_rho.0", kLocalDim, kLocalDim),
        classifier_(parameters_, "classifier", kLocalDim, options.classes) {}

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    const at::Tensor patches = hidden_layer(local_phi_, bag.features);                              // [M, 256, 256]
    const at::Tensor weights = at::softmax(local_attention_(patches), -1);                          // [M, 1, 256]
    const at::Tensor regions = hidden_layer(global_phi_, at::matmul(weights, patches).squeeze(1));  // [M, 256]
    output.logits = classifier_(hidden_layer(rho_, pool(global_attention_(regions), regions, output)));
    return output;
  }

 private:
  Linear local_phi_;
  GatedAttention local_attention_;
  Linear global_phi_;
  GatedAttention global_attention_;
  Linear rho_;
  Linear classifier_;
};

// hipt_lgp and, without ViT-4096, hipt_gp.
class HiptLgp final : public Network {
 public:
  explicit HiptLgp(const ModelOptions& options)
      : Network(options),
        vit_(options.type == ModelType::HiptLgp
                 ? std::optional<train::VisionTransformer>(std::in_place, parameters_, kVit4kPrefix,
                                                           vit::named_config("vit4k_xs"))
                 : std::nullopt),
        global_phi_(parameters_, "global_phi.0", kRegionVectorDim, kRegionVectorDim),
        layers_(transformer()),
        attention_(parameters_, "global_attn_pool", kRegionVectorDim, kRegionVectorDim, options.dropout),
        rho_(parameters_, "global_rho.0", kRegionVectorDim, kRegionVectorDim),
        classifier_(parameters_, "classifier", kRegionVectorDim, options.classes) {
    if (options.freeze_4k) parameters_.freeze(kVit4kPrefix);
  }

  NetworkOutput forward(const BagTensors& bag) const override {
    NetworkOutput output;
    output.region_vectors = bag.features.dim() == 2 ? bag.features : encode_regions(bag.features);  // [M, 192]
    at::Tensor x = hidden_layer(global_phi_, output.region_vectors);
    for (const train::TransformerEncoderLayer& layer : layers_) x = layer(x);
    output.region_context = x;
    output.logits = classifier_(hidden_layer(rho_, pool(attention_(x), x, output)));
    return output;
  }

  at::Tensor encode_regions(const at::Tensor& regions) const override {
    if (at::GradMode::is_enabled() && !options_.freeze_4k) return vit_->encode_grids(regions, kRegionSide, kRegionSide);
    std::vector<at::Tensor> vectors;  // a few at a time: what lies between the layers then stays in the cache
    for (const at::Tensor& part : regions.split(kRegionsAtOnce)) {
      vectors.push_back(vit_->encode_grids(part, kRegionSide, kRegionSide));
    }
    return at::cat(vectors);
  }

 private:
  std::vector<train::TransformerEncoderLayer> transformer() {
    std::vector<train::TransformerEncoderLayer> layers;
    for (std::int64_t index = 0; index < kLayers; ++index) {
      layers.emplace_back(parameters_, fmt::format("global_transformer.layers.{}", index), kRegionVectorDim, kHeads,
                          kRegionVectorDim, options_.dropout);
    }
    return layers;
  }

  std::optional<train::VisionTransformer> vit_;
  Linear global_phi_;
  std::vector<train::TransformerEncoderLayer> layers_;
  GatedAttention attention_;
  Linear rho_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Network> make_hipt_n(const ModelOptions& options) {
  return std::make_unique<HiptN>(options);
}

std::unique_ptr<Network> make_hipt_lgp(const ModelOptions& options) {
  return std::make_unique<HiptLgp>(options);
}

}  // namespace hipt::mil
