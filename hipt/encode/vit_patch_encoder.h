#pragma once
// A ViT engine as a PatchEncoder.

#include <memory>

#include "hipt/encode/patch_encoder.h"
#include "hipt/vit/engine.h"

namespace hipt::encode {

// `weights` and `precision` are the engine's (for the identity); `max_concurrency` is the pool's size on a CPU.
std::unique_ptr<PatchEncoder> make_vit_patch_encoder(std::shared_ptr<const vit::Engine> engine,
                                                     const vit::Weights& weights, vit::Precision precision,
                                                     std::size_t max_concurrency);

// What a ViT adds to a fingerprint: model, weights, precision, normalisation, under names that begin with `prefix`.
OptionTexts vit_identity(const vit::Weights& weights, vit::Precision precision, std::string_view prefix);

}  // namespace hipt::encode
