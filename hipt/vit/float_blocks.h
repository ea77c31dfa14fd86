#pragma once
// The blocks of a ViT in float32, and with the inputs of all products rounded to bfloat16. In both the residual stream,
// the statistics of norms and softmax, and all sums are float32.

#include <cstdint>
#include <span>
#include <vector>

#include "hipt/kernels/attention.h"
#include "hipt/kernels/bfloat16.h"
#include "hipt/kernels/scratch.h"
#include "hipt/vit/cpu_parameters.h"

namespace hipt::vit {

// `Number`, float or BFloat16: what products take.
template <class Number>
class FloatBlocks {
 public:
  // Working memory of one call: buffers that grow to the largest sequence seen.
  struct Workspace {
    kernels::Scratch normed;    // [tokens, dim]
    kernels::Scratch wide;      // q k v, and the hidden layer of the MLP: one after the other
    kernels::Scratch attended;  // [tokens, dim]
    kernels::Scratch hidden;    // of BFloat16: the hidden layer, rounded
    kernels::Scratch inner;     // of the kernels
  };

  explicit FloatBlocks(const Weights& weights);

  // Block `index` over the sequence x [tokens, dim]. `attention_weights`, when not null, receives the softmax
  // [heads, tokens, tokens].
  void run(std::int64_t index, std::span<float> x, Workspace& work, float* attention_weights) const;

  // The last block for the class token: of x, row 0 alone has a meaning afterwards.
  void run_last_of_class_token(std::span<float> x, Workspace& work) const;

 private:
  struct Block {
    LayerNormParameters norm1;
    FloatLinear<Number> qkv;
    FloatLinear<Number> proj;
    LayerNormParameters norm2;
    FloatLinear<Number> fc1;
    FloatLinear<Number> fc2;

    explicit Block(const BlockWeights& weights);
  };

  void mlp(const Block& block, std::span<float> x, Workspace& work) const;
  kernels::HeadRows part_of(const float* data, std::int64_t rows, std::int64_t parts, std::int64_t part,
                            const std::vector<float>& bias) const;

  ViTConfig config_;
  float epsilon_;
  std::vector<Block> blocks_;
  FloatLinear<Number> last_q_;  // the last block's qkv in two parts: the class token alone has a query
  FloatLinear<Number> last_kv_;
};

extern template class FloatBlocks<float>;
extern template class FloatBlocks<kernels::BFloat16>;

}  // namespace hipt::vit
