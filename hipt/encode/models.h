#pragma once
// The models of a run: found, loaded and ready.

#include <memory>
#include <string>
#include <string_view>

#include "hipt/encode/options.h"
#include "hipt/encode/patch_encoder.h"
#include "hipt/vit/engine.h"

namespace hipt::encode {

struct Models {
  std::shared_ptr<const vit::Engine> vit256;  // null when ResNet-50 encodes
  std::shared_ptr<const vit::Engine> vit4k;   // null when no regions are encoded
  std::unique_ptr<PatchEncoder> patch_encoder;
  OptionTexts region_identity;  // of vit4k, for fingerprints
  bool random_weights = false;  // features have no meaning
};

// Loads the encoder of patches, and ViT-4096 when `regions`. `threads`: how many calls at once the pool will make.
// Throws InvalidArgument for regions with ResNet-50.
Models load_models(const EncodeOptions& options, bool regions, std::size_t threads);

}  // namespace hipt::encode
