// The vision transformer as the papers write it: Dosovitskiy et al. 2021 (ViT), Caron et al. 2021 (DINO), Chen et al.
// 2022 (HIPT: ViT-256 over pixels, ViT-4096 over the features of ViT-256). Plain loops in double; about a hundredth of
// the speed of the cpu engine, whose oracle it is.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hipt/vit/engine.h"
#include "hipt/vit/gelu.h"
#include "hipt/vit/grid.h"
#include "hipt/vit/positions.h"

namespace hipt::vit {
namespace {

struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values = {};  // [rows, cols], row-major

  Matrix(std::int64_t row_count, std::int64_t col_count)
      : rows(row_count), cols(col_count), values(static_cast<std::size_t>(row_count * col_count)) {}
  double* row(std::int64_t r) { return values.data() + r * cols; }
  const double* row(std::int64_t r) const { return values.data() + r * cols; }
};

void add(Matrix& x, const Matrix& y) {
  std::transform(x.values.begin(), x.values.end(), y.values.begin(), x.values.begin(), std::plus<>());
}

// The first rows of x as float32 [rows, cols].
Array to_array(const Matrix& x) {
  Array result = Array::of<float>({x.rows, x.cols});
  std::transform(x.values.begin(), x.values.end(), result.as_mutable<float>().begin(),
                 [](double value) { return static_cast<float>(value); });
  return result;
}

// The embedded sequence on its way through the blocks, and what the request keeps of it.
class Forward {
 public:
  Forward(const Weights& weights, const Request& request) : w_(weights), config_(weights.config), request_(request) {}

  Outputs of_picture(RgbView picture) {
    const Grid grid = picture_grid(config_, picture);
    return run(embed_pixels(picture, grid), grid);
  }

  Outputs of_grid(std::span<const float> features, Grid grid) { return run(embed_features(features, grid), grid); }

 private:
  const float* parameter(const std::string& name) const { return w_.at(name).as<float>().data(); }

  // y = x W^T + b, with W [out, in] as PyTorch keeps it.
  Matrix linear(const Matrix& x, const std::string& name, std::int64_t out, bool has_bias = true) const {
    const float* weight = parameter(name + ".weight");
    const float* bias = has_bias ? parameter(name + ".bias") : nullptr;
    Matrix transposed(x.cols, out);
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t i = 0; i < x.cols; ++i) transposed.row(i)[o] = weight[o * x.cols + i];
    }
    Matrix y(x.rows, out);
    for (std::int64_t r = 0; r < x.rows; ++r) {
      double* sum = y.row(r);
      if (has_bias) std::copy_n(bias, out, sum);
      for (std::int64_t i = 0; i < x.cols; ++i) {
        const double value = x.row(r)[i];
        const double* column = transposed.row(i);
        for (std::int64_t o = 0; o < out; ++o) sum[o] += value * column[o];
      }
    }
    return y;
  }

  // Each row to mean 0 and variance 1 (divided by the count), then gain and bias.
  Matrix layer_norm(const Matrix& x, const std::string& name) const {
    const float* gain = parameter(name + ".weight");
    const float* bias = parameter(name + ".bias");
    Matrix y(x.rows, x.cols);
    const double n = static_cast<double>(x.cols);
    for (std::int64_t r = 0; r < x.rows; ++r) {
      const double* row = x.row(r);
      double mean = 0.0;
      for (std::int64_t c = 0; c < x.cols; ++c) mean += row[c] / n;
      double variance = 0.0;
      for (std::int64_t c = 0; c < x.cols; ++c) variance += (row[c] - mean) * (row[c] - mean) / n;
      const double scale = 1.0 / std::sqrt(variance + config_.layer_norm_epsilon);
      for (std::int64_t c = 0; c < x.cols; ++c) y.row(r)[c] = (row[c] - mean) * scale * gain[c] + bias[c];
    }
    return y;
  }

  // Tokens of token_px x token_px pixels, normalised by mean and std, through the convolution whose stride is its size.
  Matrix embed_pixels(RgbView picture, Grid grid) const {
    const std::int64_t px = config_.token_px;
    Matrix pixels(grid.size(), 3 * px * px);  // a row is a token: [channel, y, x]
    for (std::int64_t token = 0; token < grid.size(); ++token) {
      double* out = pixels.row(token);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        for (std::int64_t y = 0; y < px; ++y) {
          const std::uint8_t* row = picture.row(static_cast<int>(token / grid.cols * px + y));
          for (std::int64_t x = 0; x < px; ++x) {
            const double value = row[3 * (token % grid.cols * px + x) + static_cast<std::int64_t>(channel)] / 255.0;
            *out++ = (value - double{config_.mean[channel]}) / double{config_.std[channel]};
          }
        }
      }
    }
    return linear(pixels, "patch_embed.proj", config_.dim);
  }

  // phi of HIPT: Linear + GELU over every feature of the grid.
  Matrix embed_features(std::span<const float> features, Grid grid) const {
    Matrix x(grid.size(), config_.input_dim);
    std::copy(features.begin(), features.end(), x.values.begin());
    Matrix y = linear(x, "phi.0", config_.dim);
    std::transform(y.values.begin(), y.values.end(), y.values.begin(), gelu);
    return y;
  }

  // Class token and grid with their positions; register tokens between them have none.
  Matrix sequence(const Matrix& embedded, Grid grid) const {
    const std::int64_t dim = config_.dim;
    const std::int64_t registers = config_.register_tokens;
    const Array positions = positions_for_grid(w_.at("pos_embed"), config_.trained_grid, grid);
    const float* position = positions.as<float>().data();
    Matrix x(token_count(config_, grid), dim);
    for (std::int64_t d = 0; d < dim; ++d) x.row(0)[d] = double{parameter("cls_token")[d]} + double{position[d]};
    if (registers > 0) std::copy_n(parameter("register_tokens"), registers * dim, x.row(1));
    for (std::int64_t token = 0; token < grid.size(); ++token) {
      for (std::int64_t d = 0; d < dim; ++d) {
        x.row(1 + registers + token)[d] = embedded.row(token)[d] + double{position[(1 + token) * dim + d]};
      }
    }
    return x;
  }

  // Multi-head self-attention before its output projection. `weights`, when given, receives [heads, tokens, tokens].
  Matrix attention(const Matrix& qkv, float* weights) const {
    const std::int64_t tokens = qkv.rows;
    const std::int64_t head_dim = config_.head_dim();
    const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
    Matrix out(tokens, config_.dim);
    std::vector<double> share(static_cast<std::size_t>(tokens));
    for (std::int64_t head = 0; head < config_.heads; ++head) {
      const std::int64_t q = head * head_dim, k = config_.dim + q, v = 2 * config_.dim + q;  // columns of qkv
      for (std::int64_t query = 0; query < tokens; ++query) {
        for (std::int64_t key = 0; key < tokens; ++key) {
          double dot = 0.0;
          for (std::int64_t d = 0; d < head_dim; ++d) dot += qkv.row(query)[q + d] * qkv.row(key)[k + d];
          share[static_cast<std::size_t>(key)] = dot * scale;
        }
        softmax(share);
        for (std::int64_t key = 0; key < tokens; ++key) {
          const double weight = share[static_cast<std::size_t>(key)];
          for (std::int64_t d = 0; d < head_dim; ++d) out.row(query)[q + d] += weight * qkv.row(key)[v + d];
          if (weights != nullptr) *weights++ = static_cast<float>(weight);
        }
      }
    }
    return out;
  }

  static void softmax(std::vector<double>& scores) {
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0.0;
    for (double& score : scores) sum += score = std::exp(score - largest);
    for (double& score : scores) score /= sum;
  }

  void layer_scale(Matrix& x, const std::string& name) const {
    if (!config_.layer_scale) return;
    const float* gamma = parameter(name + ".gamma");
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::int64_t c = 0; c < x.cols; ++c) x.row(r)[c] *= gamma[c];
    }
  }

  // One pre-norm block: x += attention(norm1(x)), x += mlp(norm2(x)).
  void block(Matrix& x, std::int64_t index, float* attention_weights) const {
    const std::string name = fmt::format("blocks.{}.", index);
    const Matrix qkv = linear(layer_norm(x, name + "norm1"), name + "attn.qkv", 3 * config_.dim, config_.qkv_bias);
    Matrix attended = linear(attention(qkv, attention_weights), name + "attn.proj", config_.dim);
    layer_scale(attended, name + "ls1");
    add(x, attended);
    Matrix hidden = linear(layer_norm(x, name + "norm2"), name + "mlp.fc1", config_.mlp_dim);
    std::transform(hidden.values.begin(), hidden.values.end(), hidden.values.begin(), gelu);
    Matrix mlp = linear(hidden, name + "mlp.fc2", config_.dim);
    layer_scale(mlp, name + "ls2");
    add(x, mlp);
  }

  Outputs run(const Matrix& embedded, Grid grid) const {
    require_valid(config_, request_);
    Matrix x = sequence(embedded, grid);
    Outputs outputs;
    for (std::int64_t index = 0; index < config_.depth; ++index) {
      float* attention_weights = nullptr;
      if (request_.attention && index + 1 == config_.depth) {
        outputs.attention = Array::of<float>({config_.heads, x.rows, x.rows});
        attention_weights = outputs.attention.as_mutable<float>().data();
      }
      block(x, index, attention_weights);
      if (index >= config_.depth - request_.last_blocks) outputs.blocks.push_back(to_array(layer_norm(x, "norm")));
    }
    Array tokens = to_array(layer_norm(x, "norm"));
    outputs.class_token = Array::of<float>({config_.dim});
    std::copy_n(tokens.as<float>().data(), config_.dim, outputs.class_token.as_mutable<float>().data());
    if (request_.tokens) outputs.tokens = std::move(tokens);
    return outputs;
  }

  const Weights& w_;
  const ViTConfig& config_;
  const Request& request_;
};

class ReferenceEngine final : public Engine {
 public:
  explicit ReferenceEngine(std::shared_ptr<const Weights> weights) : weights_(std::move(weights)) {}

  const ViTConfig& config() const override { return weights_->config; }

  void encode(std::span<const RgbView> pictures, std::span<float> out) const override {
    require_output_size(out, static_cast<std::int64_t>(pictures.size()) * config().dim);
    for (const RgbView picture : pictures) {
      const Array token = run(picture, {}).class_token;
      std::copy_n(token.as<float>().data(), token.size(), out.data());
      out = out.subspan(token.size());
    }
  }

  void encode_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                   std::span<float> out) const override {
    require_output_size(out, config().dim);
    const Array token = run_grid(features, rows, cols, {}).class_token;
    std::copy_n(token.as<float>().data(), token.size(), out.data());
  }

  Outputs run(RgbView picture, const Request& request) const override {
    return Forward(*weights_, request).of_picture(picture);
  }

  Outputs run_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                   const Request& request) const override {
    return Forward(*weights_, request).of_grid(features, feature_grid(config(), features, rows, cols));
  }

 private:
  std::shared_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<Engine> make_reference_engine(std::shared_ptr<const Weights> weights) {
  return std::make_unique<ReferenceEngine>(std::move(weights));
}

}  // namespace hipt::vit
