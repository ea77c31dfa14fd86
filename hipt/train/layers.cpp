#include <cmath>
#include <numbers>

#include "hipt/train/layers_torch.h"

namespace hipt::train {
namespace {

constexpr double kTorchLayerNormEpsilon = 1e-5;

at::Tensor uniform(const ParameterSet& set, at::IntArrayRef shape, double bound) {
  return at::empty(shape).uniform_(-bound, bound, set.generator());
}

at::Tensor initial_weight(const ParameterSet& set, std::int64_t in, std::int64_t out, Initial initial) {
  const auto fan_in = static_cast<double>(in), fan_out = static_cast<double>(out);
  switch (initial) {
    case Initial::XavierNormal:
      return at::empty({out, in}).normal_(0.0, std::sqrt(2.0 / (fan_in + fan_out)), set.generator());
    case Initial::TruncatedNormal:
      return truncated_normal(set.generator(), {out, in}, 0.02);
    case Initial::Torch:
      break;
  }
  return uniform(set, {out, in}, 1.0 / std::sqrt(fan_in));
}

at::Tensor initial_bias(const ParameterSet& set, std::int64_t in, std::int64_t out, Initial initial) {
  if (initial != Initial::Torch) return at::zeros({out});
  return uniform(set, {out}, 1.0 / std::sqrt(static_cast<double>(in)));
}

}  // namespace

at::Tensor truncated_normal(const at::Generator& generator, at::IntArrayRef shape, double deviation) {
  // The quantile function of numbers that are uniform between the cuts' probabilities.
  const double cut = 2.0 / deviation;  // in deviations
  const double tail = 0.5 * (1.0 + std::erf(-cut / std::numbers::sqrt2));
  at::Tensor values = at::empty(shape).uniform_(2.0 * tail - 1.0, 1.0 - 2.0 * tail, generator).erfinv_();
  return values.mul_(deviation * std::numbers::sqrt2).clamp_(-2.0, 2.0);
}

Linear::Linear(ParameterSet& set, const std::string& name, std::int64_t in, std::int64_t out, Initial initial,
               bool has_bias)
    : weight_(set.add(name + ".weight", initial_weight(set, in, out, initial))) {
  if (has_bias) bias_ = set.add(name + ".bias", initial_bias(set, in, out, initial));
}

LayerNorm::LayerNorm(ParameterSet& set, const std::string& name, std::int64_t dim, double epsilon)
    : gain_(set.add(name + ".weight", at::ones({dim}))),
      bias_(set.add(name + ".bias", at::zeros({dim}))),
      epsilon_(epsilon) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, gain_.sizes(), gain_, bias_, epsilon_);
}

at::Tensor Dropout::operator()(const at::Tensor& x) const {
  if (!set_->training() || share_ == 0.0) return x;
  return x * at::empty_like(x).bernoulli_(1.0 - share_, set_->generator()).div_(1.0 - share_);
}

GatedAttention::GatedAttention(ParameterSet& set, const std::string& name, std::int64_t in, std::int64_t hidden,
                               double dropout, std::int64_t branches, Initial initial)
    : a_(set, name + ".attention_a.0", in, hidden, initial),
      b_(set, name + ".attention_b.0", in, hidden, initial),
      c_(set, name + ".attention_c", hidden, branches, initial),
      dropout_(set, dropout) {}

at::Tensor GatedAttention::operator()(const at::Tensor& x) const {
  const at::Tensor content = dropout_(at::tanh(a_(x)));
  const at::Tensor gate = dropout_(at::sigmoid(b_(x)));
  return c_(content * gate).transpose(-1, -2);
}

TransformerEncoderLayer::TransformerEncoderLayer(ParameterSet& set, const std::string& name, std::int64_t dim,
                                                 std::int64_t heads, std::int64_t hidden, double dropout)
    : heads_(heads),
      // Xavier's uniform over [3 dim, dim], and biases 0, as torch.nn.MultiheadAttention starts.
      in_weight_(set.add(name + ".self_attn.in_proj_weight",
                         uniform(set, {3 * dim, dim}, std::sqrt(6.0 / (4.0 * static_cast<double>(dim)))))),
      in_bias_(set.add(name + ".self_attn.in_proj_bias", at::zeros({3 * dim}))),
      out_(set, name + ".self_attn.out_proj", dim, dim),
      linear1_(set, name + ".linear1", dim, hidden),
      linear2_(set, name + ".linear2", hidden, dim),
      norm1_(set, name + ".norm1", dim, kTorchLayerNormEpsilon),
      norm2_(set, name + ".norm2", dim, kTorchLayerNormEpsilon),
      dropout_(set, dropout) {}

at::Tensor TransformerEncoderLayer::attend(const at::Tensor& x) const {
  const std::int64_t tokens = x.size(0), dim = x.size(1), head_dim = dim / heads_;
  // [3, heads, tokens, head_dim]
  const at::Tensor qkv = at::linear(x, in_weight_, in_bias_).view({tokens, 3, heads_, head_dim}).permute({1, 2, 0, 3});
  const at::Tensor scores = at::matmul(qkv[0], qkv[1].transpose(1, 2)) / std::sqrt(static_cast<double>(head_dim));
  const at::Tensor mixed = at::matmul(dropout_(at::softmax(scores, -1)), qkv[2]);  // [heads, tokens, head_dim]
  return out_(mixed.transpose(0, 1).reshape({tokens, dim}));
}

at::Tensor TransformerEncoderLayer::operator()(const at::Tensor& x) const {
  const at::Tensor attended = norm1_(x + dropout_(attend(x)));
  return norm2_(attended + dropout_(linear2_(dropout_(at::relu(linear1_(attended))))));
}

}  // namespace hipt::train
