#include "hipt/vit/int8_blocks.h"

#include <algorithm>
#include <cmath>

#include "hipt/kernels/attention_bfloat16.h"

namespace hipt::vit {
namespace {

using kernels::ByteCode;
using kernels::ByteRows;
using kernels::Int8Linear;
using kernels::ScaledHeadRows;

// A norm's gain and bias come to the size of the columns of the layer behind it, and these to theirs. The function
// stays the same; without it a channel with a large gain and small weights, as training leaves some, would set the
// scale of its rows and leave few steps to all other channels.
void balance(LayerNormParameters& norm, LinearWeights& layer) {
  if (layer.changed.empty()) layer.changed.assign(layer.published.begin(), layer.published.end());
  const std::size_t dim = norm.gain.size();
  for (std::size_t c = 0; c < dim; ++c) {
    float largest = 0.0f;
    for (std::size_t i = c; i < layer.changed.size(); i += dim) largest = std::max(largest, std::abs(layer.changed[i]));
    const float factor = std::sqrt(std::hypot(norm.gain[c], norm.bias[c]) / largest);
    if (!std::isnormal(factor)) continue;  // one of them is all zeros
    norm.gain[c] /= factor;
    norm.bias[c] /= factor;
    for (std::size_t i = c; i < layer.changed.size(); i += dim) layer.changed[i] *= factor;
  }
}

BlockWeights balanced_block(const Weights& weights, std::int64_t index) {
  BlockWeights block(weights, index);
  balance(block.norm1, block.qkv);
  balance(block.norm2, block.fc1);
  return block;
}

LinearWeights balanced_qkv_of_last(const Weights& weights) {
  return balanced_block(weights, weights.config.depth - 1).qkv;
}

Int8Linear quantised(const LinearWeights& layer, ByteCode code = ByteCode::Signed) {
  return {layer.weight(), layer.bias, layer.in, layer.out, code};
}

}  // namespace

Int8Blocks::Block::Block(const BlockWeights& weights)
    : norm1(weights.norm1),
      qkv(quantised(weights.qkv)),
      proj(quantised(weights.proj)),
      norm2(weights.norm2),
      fc1(quantised(weights.fc1)),
      fc2(quantised(weights.fc2, ByteCode::FromLowest)) {}

Int8Blocks::Int8Blocks(const Weights& weights)
    : config_(weights.config),
      epsilon_(static_cast<float>(config_.layer_norm_epsilon)),
      last_q_(quantised(balanced_qkv_of_last(weights).rows(0, config_.dim))),
      last_kv_(quantised(balanced_qkv_of_last(weights).rows(config_.dim, 2 * config_.dim))) {
  for (std::int64_t i = 0; i < config_.depth; ++i) blocks_.emplace_back(balanced_block(weights, i));
}

// A kernel that reads the scales of a product may write those of the next bytes: two sets in turn.
struct Int8Blocks::Buffers {
  std::uint8_t* bytes;
  float* norm_scales;   // of the bytes that a norm made
  float* inner_scales;  // of the bytes that attention or GELU made
  float* wide;
  float* attended;
  float* narrow;

  ByteRows from_norm() const { return {bytes, norm_scales}; }
  ByteRows from_inner() const { return {bytes, inner_scales}; }
};

Int8Blocks::Buffers Int8Blocks::buffers_of(std::int64_t tokens, Workspace& work) const {
  const auto rows = static_cast<std::size_t>(tokens), dim = static_cast<std::size_t>(config_.dim);
  const auto hidden = static_cast<std::size_t>(config_.mlp_dim);
  float* const scales = work.scales.floats(2 * rows);
  return {.bytes = work.bytes.numbers<std::uint8_t>(rows * std::max(dim, hidden)),
          .norm_scales = scales,
          .inner_scales = scales + rows,
          .wide = work.wide.floats(rows * std::max(3 * dim, hidden)),
          .attended = work.attended.floats(rows * dim),
          .narrow = work.narrow.floats(rows * dim)};
}

// x [rows, dim] += proj(attended), then x += mlp(norm2(x)).
void Int8Blocks::project_and_mlp(const Block& block, std::span<float> x, const Buffers& buffers,
                                 Workspace& work) const {
  const std::int64_t dim = config_.dim, rows = static_cast<std::int64_t>(x.size()) / dim;
  kernels::quantise_rows({buffers.attended, x.size()}, dim, buffers.from_inner());
  block.proj.apply(buffers.bytes, rows, buffers.narrow, work.inner);
  kernels::add_then_quantise_layer_norm(x, {buffers.narrow, buffers.inner_scales, block.proj.bias()}, block.norm2.gain,
                                        block.norm2.bias, epsilon_, buffers.from_norm());
  block.fc1.apply(buffers.bytes, rows, buffers.wide, work.inner);
  kernels::quantise_gelu({buffers.wide, buffers.norm_scales, block.fc1.bias()}, rows, buffers.from_inner());
  block.fc2.apply(buffers.bytes, rows, buffers.narrow, work.inner);
  kernels::add_product(x, {buffers.narrow, buffers.inner_scales, block.fc2.bias()});
}

void Int8Blocks::run(std::int64_t index, std::span<float> x, Workspace& work, float* attention_weights) const {
  const Block& block = blocks_[static_cast<std::size_t>(index)];
  const std::int64_t dim = config_.dim, tokens = static_cast<std::int64_t>(x.size()) / dim;
  const Buffers buffers = buffers_of(tokens, work);
  kernels::quantise_layer_norm(x, block.norm1.gain, block.norm1.bias, epsilon_, buffers.from_norm());
  block.qkv.apply(buffers.bytes, tokens, buffers.wide, work.inner);
  const auto part = [&](std::int64_t which) {
    return ScaledHeadRows{{buffers.wide + which * dim, tokens, 3 * dim, block.qkv.bias().data() + which * dim},
                          buffers.norm_scales};
  };
  kernels::attention_bfloat16(part(0), part(1), part(2), {config_.heads, config_.head_dim()}, buffers.attended,
                              attention_weights, work.inner);
  project_and_mlp(block, x, buffers, work);
}

void Int8Blocks::run_last_of_class_token(std::span<float> x, Workspace& work) const {
  constexpr std::int64_t kRows = 2;  // as FloatBlocks
  const Block& block = blocks_.back();
  const std::int64_t dim = config_.dim, tokens = static_cast<std::int64_t>(x.size()) / dim;
  const Buffers buffers = buffers_of(tokens, work);
  float* const q = buffers.narrow;
  kernels::quantise_layer_norm(x, block.norm1.gain, block.norm1.bias, epsilon_, buffers.from_norm());
  last_q_.apply(buffers.bytes, kRows, q, work.inner);
  last_kv_.apply(buffers.bytes, tokens, buffers.wide, work.inner);
  const float* const kv_bias = last_kv_.bias().data();
  kernels::attention_bfloat16({{q, kRows, dim, last_q_.bias().data()}, buffers.norm_scales},
                              {{buffers.wide, tokens, 2 * dim, kv_bias}, buffers.norm_scales},
                              {{buffers.wide + dim, tokens, 2 * dim, kv_bias + dim}, buffers.norm_scales},
                              {config_.heads, config_.head_dim()}, buffers.attended, nullptr, work.inner);
  project_and_mlp(block, x.first(static_cast<std::size_t>(kRows * dim)), buffers, work);
}

}  // namespace hipt::vit
