#include "hipt/encode/resnet_patch_encoder.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hipt::encode {
namespace {

class ResnetPatchEncoder final : public PatchEncoder {
 public:
  ResnetPatchEncoder(std::shared_ptr<const resnet::Engine> engine, const resnet::Weights& weights,
                     std::size_t max_concurrency)
      : engine_(std::move(engine)), weights_sha256_(weights.sha256()), max_concurrency_(max_concurrency) {}

  std::string name() const override { return "resnet50_trunc"; }
  std::size_t dim() const override { return resnet::kDim; }
  std::size_t preferred_batch() const override { return 1; }  // the engine takes pictures one by one
  std::size_t max_concurrency() const override { return max_concurrency_; }
  void encode(std::span<const RgbView> patches, std::span<float> out) const override { engine_->encode(patches, out); }
  OptionTexts identity() const override {
    return {{"resnet.model", name()},
            {"resnet.weights_sha256", weights_sha256_},
            {"resnet.precision", "f32"},
            {"resnet.normalisation",
             fmt::format("mean {} std {}", fmt::join(resnet::kMean, " "), fmt::join(resnet::kStd, " "))}};
  }

 private:
  std::shared_ptr<const resnet::Engine> engine_;
  std::string weights_sha256_;
  std::size_t max_concurrency_;
};

}  // namespace

std::unique_ptr<PatchEncoder> make_resnet_patch_encoder(std::shared_ptr<const resnet::Engine> engine,
                                                        const resnet::Weights& weights, std::size_t max_concurrency) {
  return std::make_unique<ResnetPatchEncoder>(std::move(engine), weights, max_concurrency);
}

}  // namespace hipt::encode
