#pragma once
// The truncated ResNet-50 as a PatchEncoder.

#include <memory>

#include "hipt/encode/patch_encoder.h"
#include "hipt/resnet/engine.h"

namespace hipt::encode {

// `weights` are those that the engine runs (for the identity); `max_concurrency` is the pool's size on a CPU.
std::unique_ptr<PatchEncoder> make_resnet_patch_encoder(std::shared_ptr<const resnet::Engine> engine,
                                                        const resnet::Weights& weights, std::size_t max_concurrency);

}  // namespace hipt::encode
