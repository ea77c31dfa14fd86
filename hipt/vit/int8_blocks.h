#pragma once
// The blocks of a ViT whose linear layers multiply in 8 bits and whose attention multiplies in bfloat16. The residual
// stream, the statistics of norms and softmax, and GELU are float32 (decision 14).

#include <cstdint>
#include <span>
#include <vector>

#include "hipt/kernels/int8_linear.h"
#include "hipt/kernels/int8_rows.h"
#include "hipt/kernels/scratch.h"
#include "hipt/vit/cpu_parameters.h"

namespace hipt::vit {

class Int8Blocks {
 public:
  // Working memory of one call: buffers that grow to the largest sequence seen.
  struct Workspace {
    kernels::Scratch bytes;     // [tokens, dim or mlp_dim], what a product takes
    kernels::Scratch scales;    // [2, tokens]
    kernels::Scratch wide;      // q k v, and the hidden layer of the MLP: one after the other
    kernels::Scratch attended;  // [tokens, dim]
    kernels::Scratch narrow;    // [tokens, dim], the products that the residual stream gains
    kernels::Scratch inner;     // of the kernels
  };

  explicit Int8Blocks(const Weights& weights);

  // As FloatBlocks.
  void run(std::int64_t index, std::span<float> x, Workspace& work, float* attention_weights) const;
  void run_last_of_class_token(std::span<float> x, Workspace& work) const;

 private:
  struct Block {
    LayerNormParameters norm1;
    kernels::Int8Linear qkv;
    kernels::Int8Linear proj;
    LayerNormParameters norm2;
    kernels::Int8Linear fc1;
    kernels::Int8Linear fc2;

    explicit Block(const BlockWeights& weights);
  };
  struct Buffers;

  Buffers buffers_of(std::int64_t tokens, Workspace& work) const;
  void project_and_mlp(const Block& block, std::span<float> x, const Buffers& buffers, Workspace& work) const;

  ViTConfig config_;
  float epsilon_;
  std::vector<Block> blocks_;
  kernels::Int8Linear last_q_;  // the last block's qkv in two parts: the class token alone has a query
  kernels::Int8Linear last_kv_;
};

}  // namespace hipt::vit
