#include "hipt/vit/float_blocks.h"

#include "hipt/kernels/attention_bfloat16.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"

namespace hipt::vit {
namespace {

using kernels::BFloat16;
using kernels::HeadRows;

void attend(const HeadRows& q, const HeadRows& k, const HeadRows& v, kernels::AttentionSizes sizes, float* out,
            float* weights, kernels::Scratch& scratch) {
  kernels::attention(q, k, v, sizes, out, weights, scratch);
}

void attend(const HeadRows& q, const HeadRows& k, const HeadRows& v, kernels::AttentionSizes sizes, BFloat16* out,
            float* weights, kernels::Scratch& scratch) {
  kernels::attention_bfloat16({q}, {k}, {v}, sizes, out, weights, scratch);
}

// gelu(x + bias) as the input of a product: in place, or rounded to `rounded`.
template <class Number>
const Number* activate(std::span<float> x, std::span<const float> bias, kernels::Scratch& rounded) {
  if constexpr (std::is_same_v<Number, float>) {
    kernels::add_bias_gelu(x, bias);
    return x.data();
  } else {
    BFloat16* const out = rounded.numbers<BFloat16>(x.size());
    kernels::add_bias_gelu(x, bias, out);
    return out;
  }
}

LinearWeights qkv_of_last(const Weights& weights) {
  return BlockWeights(weights, weights.config.depth - 1).qkv;
}

}  // namespace

template <class Number>
FloatBlocks<Number>::Block::Block(const BlockWeights& weights)
    : norm1(weights.norm1),
      qkv(weights.qkv),
      proj(weights.proj),
      norm2(weights.norm2),
      fc1(weights.fc1),
      fc2(weights.fc2) {}

template <class Number>
FloatBlocks<Number>::FloatBlocks(const Weights& weights)
    : config_(weights.config),
      epsilon_(static_cast<float>(config_.layer_norm_epsilon)),
      last_q_(qkv_of_last(weights).rows(0, config_.dim)),
      last_kv_(qkv_of_last(weights).rows(config_.dim, 2 * config_.dim)) {
  for (std::int64_t i = 0; i < config_.depth; ++i) blocks_.emplace_back(BlockWeights(weights, i));
}

// x [rows, dim] += mlp(norm2(x)). Here and below a norm also adds to x the bias of the layer whose product comes next
// to x.
template <class Number>
void FloatBlocks<Number>::mlp(const Block& block, std::span<float> x, Workspace& work) const {
  const std::int64_t rows = static_cast<std::int64_t>(x.size()) / config_.dim;
  const auto hidden_count = static_cast<std::size_t>(rows * config_.mlp_dim);
  Number* const normed = work.normed.template numbers<Number>(x.size());
  float* const hidden = work.wide.floats(hidden_count);
  kernels::layer_norm_then_add(x, block.norm2.gain, block.norm2.bias, epsilon_, std::span(normed, x.size()),
                               block.fc2.bias);
  block.fc1.product.apply(normed, rows, hidden, work.inner);
  const Number* const active = activate<Number>({hidden, hidden_count}, block.fc1.bias, work.hidden);
  block.fc2.product.apply(active, rows, x.data(), work.inner, {.add = true});
}

// Queries, keys or values: part 0, 1 or 2 of rows that hold `parts` of them.
template <class Number>
HeadRows FloatBlocks<Number>::part_of(const float* data, std::int64_t rows, std::int64_t parts, std::int64_t part,
                                      const std::vector<float>& bias) const {
  const std::int64_t dim = config_.dim;
  return {data + part * dim, rows, parts * dim, bias.empty() ? nullptr : bias.data() + part * dim};
}

template <class Number>
void FloatBlocks<Number>::run(std::int64_t index, std::span<float> x, Workspace& work, float* attention_weights) const {
  const Block& block = blocks_[static_cast<std::size_t>(index)];
  const std::int64_t tokens = static_cast<std::int64_t>(x.size()) / config_.dim;
  Number* const normed = work.normed.template numbers<Number>(x.size());
  float* const qkv = work.wide.floats(3 * x.size());
  Number* const attended = work.attended.template numbers<Number>(x.size());
  kernels::layer_norm_then_add(x, block.norm1.gain, block.norm1.bias, epsilon_, std::span(normed, x.size()),
                               block.proj.bias);
  block.qkv.product.apply(normed, tokens, qkv, work.inner);
  const std::vector<float>& bias = block.qkv.bias;
  attend(part_of(qkv, tokens, 3, 0, bias), part_of(qkv, tokens, 3, 1, bias), part_of(qkv, tokens, 3, 2, bias),
         {config_.heads, config_.head_dim()}, attended, attention_weights, work.inner);
  block.proj.product.apply(attended, tokens, x.data(), work.inner, {.add = true});
  mlp(block, x, work);
}

// Every token gives a key and a value, but nothing else of the others is ever read. A second row goes along because
// oneDNN sums products of a single row in one long chain: with two, which cost the same, features are three times
// nearer to exact arithmetic. (A sequence has at least two tokens.)
template <class Number>
void FloatBlocks<Number>::run_last_of_class_token(std::span<float> x, Workspace& work) const {
  constexpr std::int64_t kRows = 2;
  const Block& block = blocks_.back();
  const std::int64_t tokens = static_cast<std::int64_t>(x.size()) / config_.dim;
  const auto rows_count = static_cast<std::size_t>(kRows * config_.dim);
  Number* const normed = work.normed.template numbers<Number>(x.size());
  float* const kv = work.wide.floats(2 * x.size() + rows_count);
  float* const q = kv + 2 * x.size();
  Number* const attended = work.attended.template numbers<Number>(rows_count);
  kernels::layer_norm_then_add(x, block.norm1.gain, block.norm1.bias, epsilon_, std::span(normed, x.size()),
                               block.proj.bias);
  last_q_.product.apply(normed, kRows, q, work.inner);
  last_kv_.product.apply(normed, tokens, kv, work.inner);
  attend(part_of(q, kRows, 1, 0, last_q_.bias), part_of(kv, tokens, 2, 0, last_kv_.bias),
         part_of(kv, tokens, 2, 1, last_kv_.bias), {config_.heads, config_.head_dim()}, attended, nullptr, work.inner);
  block.proj.product.apply(attended, kRows, x.data(), work.inner, {.add = true});
  mlp(block, x.first(rows_count), work);
}

template class FloatBlocks<float>;
template class FloatBlocks<BFloat16>;

}  // namespace hipt::vit
