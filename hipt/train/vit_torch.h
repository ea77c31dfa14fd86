#pragma once
// The vision transformer that trains: the same model as hipt/vit's engines (whose reference twin is the place to read
// it), with gradients. Chen et al. 2022, HIPT_4K/vision_transformer.py and vision_transformer4k.py.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hipt/train/layers_torch.h"
#include "hipt/vit/config.h"

namespace hipt::train {

class VisionTransformer {
 public:
  // Parameters are those of vit::parameter_shapes(config), each after `prefix` ("local_vit.").
  VisionTransformer(ParameterSet& set, const std::string& prefix, const vit::ViTConfig& config);

  // Class tokens of feature grids (TokenSource::Features): [batch, rows * cols, input_dim] -> [batch, dim].
  at::Tensor encode_grids(const at::Tensor& features, std::int64_t rows, std::int64_t cols) const;
  // Class tokens of normalised pictures (TokenSource::Pixels): [batch, 3, height, width] -> [batch, dim].
  at::Tensor encode_pictures(const at::Tensor& pictures) const;

 private:
  struct Block {
    LayerNorm norm1;
    Linear qkv;
    Linear proj;
    std::optional<at::Tensor> scale1;  // layer scale, where the model has it
    LayerNorm norm2;
    Linear fc1;
    Linear fc2;
    std::optional<at::Tensor> scale2;
  };

  Block make_block(ParameterSet& set, const std::string& name) const;
  at::Tensor attend(const Block& block, const at::Tensor& x) const;
  at::Tensor positions(std::int64_t rows, std::int64_t cols) const;  // [1, 1 + rows * cols, dim]
  at::Tensor encode(const at::Tensor& embedded, std::int64_t rows, std::int64_t cols) const;

  vit::ViTConfig config_;
  at::Tensor class_token_;      // [1, 1, dim]
  at::Tensor register_tokens_;  // [1, register_tokens, dim], where the model has them
  at::Tensor positions_;        // [1, 1 + trained_grid^2, dim]
  std::optional<Linear> phi_;   // Features
  at::Tensor patch_weight_;     // Pixels: [dim, channels, token_px, token_px]
  at::Tensor patch_bias_;
  std::vector<Block> blocks_;
  std::optional<LayerNorm> norm_;
};

}  // namespace hipt::train
