#pragma once
// The layers that the models are made of, with PyTorch's defaults where not said otherwise. A layer is a value: copies
// share its parameters.

#include <cstdint>
#include <string>

#include "hipt/train/parameters_torch.h"
#include "hipt/train/torch.h"

namespace hipt::train {

enum class Initial {
  Torch,            // weight and bias uniform in +-1/sqrt(fan in): torch.nn.Linear's own
  XavierNormal,     // weight normal of variance 2 / (fan in + fan out), bias 0: CLAM's initialize_weights
  TruncatedNormal,  // weight normal of deviation 0.02 cut at +-2, bias 0: ViT's
};

// Normal of deviation `deviation` cut at +-2 (timm's trunc_normal_).
at::Tensor truncated_normal(const at::Generator& generator, at::IntArrayRef shape, double deviation);

// y = x W^T + b, parameters "<name>.weight" [out, in] and "<name>.bias" [out].
class Linear {
 public:
  Linear(ParameterSet& set, const std::string& name, std::int64_t in, std::int64_t out,
         Initial initial = Initial::Torch, bool has_bias = true);
  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

// Over the last dimension; "<name>.weight" and "<name>.bias" [dim].
class LayerNorm {
 public:
  LayerNorm(ParameterSet& set, const std::string& name, std::int64_t dim, double epsilon);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor gain_;
  at::Tensor bias_;
  double epsilon_;
};

// Zeroes a share of the numbers and scales the rest up, while the set is training. With torch's default generator's
// seed it draws torch.nn.Dropout's mask.
class Dropout {
 public:
  Dropout(const ParameterSet& set, double share) : set_(&set), share_(share) {}
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  const ParameterSet* set_;  // outlives the layer: both belong to one model
  double share_;
};

// Gated attention (Ilse et al. 2018, equation 9; CLAM's Attn_Net_Gated): c(tanh(a(x)) * sigmoid(b(x))), parameters
// "<name>.attention_a.0", ".attention_b.0", ".attention_c".
class GatedAttention {
 public:
  GatedAttention(ParameterSet& set, const std::string& name, std::int64_t in, std::int64_t hidden, double dropout,
                 std::int64_t branches = 1, Initial initial = Initial::Torch);
  // [..., N, in] -> scores before the softmax, [..., branches, N].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Linear a_;
  Linear b_;
  Linear c_;
  Dropout dropout_;
};

// torch.nn.TransformerEncoderLayer as hipt_lgp uses it: post-norm, ReLU, a sequence without batch or positions
// (Vaswani et al. 2017). Parameters "<name>.self_attn.in_proj_weight" [3 dim, dim] ... as torch names them.
class TransformerEncoderLayer {
 public:
  TransformerEncoderLayer(ParameterSet& set, const std::string& name, std::int64_t dim, std::int64_t heads,
                          std::int64_t hidden, double dropout);
  at::Tensor operator()(const at::Tensor& x) const;  // [N, dim] -> [N, dim]

 private:
  at::Tensor attend(const at::Tensor& x) const;

  std::int64_t heads_;
  at::Tensor in_weight_;
  at::Tensor in_bias_;
  Linear out_;
  Linear linear1_;
  Linear linear2_;
  LayerNorm norm1_;
  LayerNorm norm2_;
  Dropout dropout_;
};

}  // namespace hipt::train
