#include "hipt/encode/vit_patch_encoder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hipt::encode {
namespace {

class VitPatchEncoder final : public PatchEncoder {
 public:
  VitPatchEncoder(std::shared_ptr<const vit::Engine> engine, OptionTexts identity, std::size_t max_concurrency)
      : engine_(std::move(engine)), identity_(std::move(identity)), max_concurrency_(max_concurrency) {}

  std::string name() const override { return engine_->config().name; }
  std::size_t dim() const override { return static_cast<std::size_t>(engine_->config().dim); }
  std::size_t preferred_batch() const override { return 1; }  // the engine takes pictures one by one
  std::size_t max_concurrency() const override { return max_concurrency_; }
  void encode(std::span<const RgbView> patches, std::span<float> out) const override { engine_->encode(patches, out); }
  OptionTexts identity() const override { return identity_; }

 private:
  std::shared_ptr<const vit::Engine> engine_;
  OptionTexts identity_;
  std::size_t max_concurrency_;
};

}  // namespace

OptionTexts vit_identity(const vit::Weights& weights, vit::Precision precision, std::string_view prefix) {
  const vit::ViTConfig& config = weights.config;
  const auto name = [prefix](std::string_view entry) { return fmt::format("{}.{}", prefix, entry); };
  OptionTexts texts = {{name("model"), config.name},
                       {name("sizes"), fmt::format("dim {} depth {} heads {} mlp {}", config.dim, config.depth,
                                                   config.heads, config.mlp_dim)},
                       {name("weights_sha256"), weights.sha256()},
                       {name("precision"), std::string(name_of(precision))}};
  if (config.source == vit::TokenSource::Pixels) {
    texts.emplace_back(name("token_px"), fmt::format("{}", config.token_px));
    texts.emplace_back(name("normalisation"),
                       fmt::format("mean {} std {}", fmt::join(config.mean, " "), fmt::join(config.std, " ")));
  }
  return texts;
}

std::unique_ptr<PatchEncoder> make_vit_patch_encoder(std::shared_ptr<const vit::Engine> engine,
                                                     const vit::Weights& weights, vit::Precision precision,
                                                     std::size_t max_concurrency) {
  return std::make_unique<VitPatchEncoder>(std::move(engine), vit_identity(weights, precision, "vit256"),
                                           max_concurrency);
}

}  // namespace hipt::encode
