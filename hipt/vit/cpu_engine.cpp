// The fast engine: oneDNN's products and the kernels of hipt/kernels around them. One picture is one set of products
// (its tokens are the rows), so that its result cannot depend on the pictures beside it, and its working memory stays
// in the caches.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hipt/kernels/attention.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/pixels.h"
#include "hipt/kernels/scratch.h"
#include "hipt/vit/engine.h"
#include "hipt/vit/grid.h"
#include "hipt/vit/positions.h"

namespace hipt::vit {
namespace {

using kernels::Linear;
using kernels::Scratch;

std::vector<float> copy_of(const Array& array) {
  const std::span<const float> values = array.as<float>();
  return {values.begin(), values.end()};
}

struct LayerNorm {
  std::vector<float> gain;
  std::vector<float> bias;

  LayerNorm(const Weights& weights, const std::string& name)
      : gain(copy_of(weights.at(name + ".weight"))), bias(copy_of(weights.at(name + ".bias"))) {}

  void apply(std::span<const float> x, float epsilon, std::span<float> out) const {
    kernels::layer_norm(x, gain, bias, epsilon, out);
  }
};

// Rows [first, first + out) of a linear layer's weight and bias; `scale_name`, if any, names the layer-scale gains that
// multiply what comes out: they go into weight and bias.
Linear make_linear(const Weights& weights, const std::string& name, std::int64_t in, std::int64_t first,
                   std::int64_t out, bool has_bias = true, const std::string& scale_name = {}) {
  const auto offset = static_cast<std::size_t>(first), count = static_cast<std::size_t>(out);
  const auto columns = static_cast<std::size_t>(in);
  const std::span<const float> weight =
      weights.at(name + ".weight").as<float>().subspan(offset * columns, count * columns);
  std::span<const float> bias;
  if (has_bias) bias = weights.at(name + ".bias").as<float>().subspan(offset, count);
  if (scale_name.empty()) return Linear(weight, bias, in, out);

  const std::span<const float> gain = weights.at(scale_name).as<float>();
  std::vector<float> scaled_weight(weight.begin(), weight.end());
  std::vector<float> scaled_bias(bias.begin(), bias.end());
  for (std::size_t o = 0; o < count; ++o) {
    for (std::size_t i = 0; i < columns; ++i) scaled_weight[o * columns + i] *= gain[o];
    if (has_bias) scaled_bias[o] *= gain[o];
  }
  return Linear(scaled_weight, scaled_bias, in, out);
}

// The patch embedding as a linear layer over [y, x, channel] of byte - kPixelCenter: the normalisation
// (byte / 255 - mean) / std goes into weight and bias.
struct PixelEmbedding {
  Linear linear;
  std::vector<float> bias;  // added with the positions

  explicit PixelEmbedding(const Weights& weights) : PixelEmbedding(weights, fold(weights)) {}

 private:
  struct Folded {
    std::vector<float> weight;  // [dim, y, x, channel]
    std::vector<float> bias;
  };

  PixelEmbedding(const Weights& weights, Folded folded)
      : linear(folded.weight, {}, 3 * weights.config.token_px * weights.config.token_px, weights.config.dim),
        bias(std::move(folded.bias)) {}

  static Folded fold(const Weights& weights) {
    const ViTConfig& config = weights.config;
    const auto dim = static_cast<std::size_t>(config.dim);
    const auto pixels = static_cast<std::size_t>(config.token_px * config.token_px);
    const std::span<const float> published = weights.at("patch_embed.proj.weight").as<float>();  // [dim, channel, y, x]
    const std::span<const float> published_bias = weights.at("patch_embed.proj.bias").as<float>();
    Folded folded{std::vector<float>(published.size()), std::vector<float>(dim)};
    for (std::size_t o = 0; o < dim; ++o) {
      double bias = published_bias[o];
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const double factor = 1.0 / (255.0 * double{config.std[channel]});
        const double shift =
            (double{kernels::kPixelCenter} / 255.0 - double{config.mean[channel]}) / double{config.std[channel]};
        for (std::size_t p = 0; p < pixels; ++p) {
          const double weight = published[(o * 3 + channel) * pixels + p];
          folded.weight[(o * pixels + p) * 3 + channel] = static_cast<float>(weight * factor);
          bias += weight * shift;
        }
      }
      folded.bias[o] = static_cast<float>(bias);
    }
    return folded;
  }
};

struct Block {
  LayerNorm norm1;
  Linear qkv;
  Linear proj;
  LayerNorm norm2;
  Linear fc1;  // its bias is added with the GELU
  std::vector<float> fc1_bias;
  Linear fc2;

  Block(const Weights& weights, const std::string& name)
      : Block(weights, weights.config, name, weights.config.layer_scale) {}

 private:
  Block(const Weights& weights, const ViTConfig& config, const std::string& name, bool scaled)
      : norm1(weights, name + "norm1"),
        qkv(make_linear(weights, name + "attn.qkv", config.dim, 0, 3 * config.dim, config.qkv_bias)),
        proj(make_linear(weights, name + "attn.proj", config.dim, 0, config.dim, true,
                         scaled ? name + "ls1.gamma" : "")),
        norm2(weights, name + "norm2"),
        fc1(make_linear(weights, name + "mlp.fc1", config.dim, 0, config.mlp_dim, false)),
        fc1_bias(copy_of(weights.at(name + "mlp.fc1.bias"))),
        fc2(make_linear(weights, name + "mlp.fc2", config.mlp_dim, 0, config.dim, true,
                        scaled ? name + "ls2.gamma" : "")) {}
};

// The last block's queries and its keys and values apart: encode() needs the query of the class token alone.
struct LastQueries {
  Linear q;
  Linear kv;

  explicit LastQueries(const Weights& weights)
      : LastQueries(weights, weights.config, fmt::format("blocks.{}.attn.qkv", weights.config.depth - 1)) {}

 private:
  LastQueries(const Weights& weights, const ViTConfig& config, const std::string& name)
      : q(make_linear(weights, name, config.dim, 0, config.dim, config.qkv_bias)),
        kv(make_linear(weights, name, config.dim, config.dim, 2 * config.dim, config.qkv_bias)) {}
};

// Working memory of one call: buffers that grow to the largest sequence seen.
struct Workspace {
  Scratch x;         // [tokens, dim], the residual stream
  Scratch normed;    // [tokens, dim]
  Scratch wide;      // the embedding's input, q k v, and the hidden layer of the MLP: one after the other
  Scratch attended;  // [tokens, dim]
  Scratch inner;     // of the kernels
};

// Lends workspaces to calls; there come to be as many as there were calls at once.
class Workspaces {
 public:
  template <class Body>
  void lend(Body&& body) {
    std::unique_ptr<Workspace> lent = take();
    body(*lent);
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(lent));
  }

 private:
  std::unique_ptr<Workspace> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    std::unique_ptr<Workspace> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const Weights& weights)
      : config_(weights.config),
        epsilon_(static_cast<float>(config_.layer_norm_epsilon)),
        class_token_(copy_of(weights.at("cls_token"))),
        pos_embed_(weights.at("pos_embed").clone()),
        last_(weights),
        norm_(weights, "norm") {
    if (config_.register_tokens > 0) registers_ = copy_of(weights.at("register_tokens"));
    if (config_.source == TokenSource::Pixels) {
      pixels_ = std::make_unique<PixelEmbedding>(weights);
    } else {
      phi_ = std::make_unique<Linear>(make_linear(weights, "phi.0", config_.input_dim, 0, config_.dim, false));
      phi_bias_ = copy_of(weights.at("phi.0.bias"));
    }
    for (std::int64_t i = 0; i < config_.depth; ++i) blocks_.emplace_back(weights, fmt::format("blocks.{}.", i));
  }

  const ViTConfig& config() const override { return config_; }

  void encode(std::span<const RgbView> pictures, std::span<float> out) const override {
    require_output_size(out, static_cast<std::int64_t>(pictures.size()) * config_.dim);
    for (const RgbView picture : pictures) picture_grid(config_, picture);
    workspaces_.lend([&](Workspace& work) {
      for (const RgbView picture : pictures) {
        class_token(embed(picture, work), work, out.data());
        out = out.subspan(static_cast<std::size_t>(config_.dim));
      }
    });
  }

  void encode_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                   std::span<float> out) const override {
    require_output_size(out, config_.dim);
    const Grid grid = feature_grid(config_, features, rows, cols);
    workspaces_.lend([&](Workspace& work) { class_token(embed(features, grid, work), work, out.data()); });
  }

  Outputs run(RgbView picture, const Request& request) const override {
    require_valid(config_, request);
    picture_grid(config_, picture);
    Outputs outputs;
    workspaces_.lend([&](Workspace& work) { outputs = all_outputs(embed(picture, work), work, request); });
    return outputs;
  }

  Outputs run_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                   const Request& request) const override {
    require_valid(config_, request);
    const Grid grid = feature_grid(config_, features, rows, cols);
    Outputs outputs;
    workspaces_.lend([&](Workspace& work) { outputs = all_outputs(embed(features, grid, work), work, request); });
    return outputs;
  }

 private:
  std::size_t size(std::int64_t rows, std::int64_t cols) const { return static_cast<std::size_t>(rows * cols); }

  // Each embed fills work.x with the sequence and gives its number of tokens.
  std::int64_t embed(RgbView picture, Workspace& work) const {
    const Grid grid = picture_grid(config_, picture);
    float* tokens = work.wide.floats(size(grid.size(), pixels_->linear.in()));
    kernels::pixels_to_tokens(picture, config_.token_px, tokens);
    float* grid_rows = start_sequence(grid, work);
    pixels_->linear.add(tokens, grid.size(), grid_rows, work.inner);
    return token_count(config_, grid);
  }

  std::int64_t embed(std::span<const float> features, Grid grid, Workspace& work) const {
    const std::size_t count = size(grid.size(), config_.dim);
    float* embedded = work.wide.floats(count);
    phi_->apply(features.data(), grid.size(), embedded, work.inner);
    kernels::add_bias_gelu({embedded, count}, phi_bias_);
    float* grid_rows = start_sequence(grid, work);
    for (std::size_t i = 0; i < count; ++i) grid_rows[i] += embedded[i];
    return token_count(config_, grid);
  }

  // Class token, register tokens, and what is added to the grid's rows (positions, bias): gives where those begin.
  float* start_sequence(Grid grid, Workspace& work) const {
    const std::shared_ptr<const Array> start = sequence_start(grid);
    float* x = work.x.floats(start->size());
    std::copy_n(start->as<float>().data(), start->size(), x);
    return x + (1 + config_.register_tokens) * config_.dim;
  }

  // [tokens, dim], made once for each grid.
  std::shared_ptr<const Array> sequence_start(Grid grid) const {
    constexpr std::size_t kMostGrids = 16;
    const std::scoped_lock lock(starts_mutex_);
    if (const auto found = starts_.find(grid); found != starts_.end()) return found->second;
    const Array positions = positions_for_grid(pos_embed_, config_.trained_grid, grid);
    const auto dim = static_cast<std::size_t>(config_.dim);
    auto start = std::make_shared<Array>(Array::of<float>({token_count(config_, grid), config_.dim}));
    const float* position = positions.as<float>().data();
    float* out = start->as_mutable<float>().data();
    out = std::transform(class_token_.begin(), class_token_.end(), position, out, std::plus<>());
    out = std::copy(registers_.begin(), registers_.end(), out);
    out = std::copy(position + dim, position + positions.size(), out);
    if (pixels_) {
      for (float* row = out - size(grid.size(), config_.dim); row != out; row += dim) {
        std::transform(row, row + dim, pixels_->bias.begin(), row, std::plus<>());
      }
    }
    if (starts_.size() >= kMostGrids) starts_.clear();
    starts_.emplace(grid, start);
    return start;
  }

  // x [rows, dim] += mlp(norm2(x))
  void mlp(const Block& block, float* x, std::int64_t rows, Workspace& work) const {
    const std::size_t count = size(rows, config_.dim);
    const std::size_t hidden_count = size(rows, config_.mlp_dim);
    float* normed = work.normed.floats(count);
    float* hidden = work.wide.floats(hidden_count);
    block.norm2.apply({x, count}, epsilon_, {normed, count});
    block.fc1.apply(normed, rows, hidden, work.inner);
    kernels::add_bias_gelu({hidden, hidden_count}, block.fc1_bias);
    block.fc2.add(hidden, rows, x, work.inner);
  }

  void run_block(const Block& block, std::int64_t tokens, Workspace& work, float* attention_weights) const {
    const std::size_t count = size(tokens, config_.dim);
    float* x = work.x.floats(count);
    float* normed = work.normed.floats(count);
    float* qkv = work.wide.floats(size(tokens, 3 * config_.dim));
    float* attended = work.attended.floats(count);
    block.norm1.apply({x, count}, epsilon_, {normed, count});
    block.qkv.apply(normed, tokens, qkv, work.inner);
    const std::int64_t stride = 3 * config_.dim;
    kernels::attention({qkv, tokens, stride}, {qkv + config_.dim, tokens, stride},
                       {qkv + 2 * config_.dim, tokens, stride}, {config_.heads, config_.head_dim()}, attended,
                       attention_weights, work.inner);
    block.proj.add(attended, tokens, x, work.inner);
    mlp(block, x, tokens, work);
  }

  // The last block for the class token alone: every token gives a key and a value, but nothing else of the others is
  // ever read.
  void run_last_block_of_class_token(std::int64_t tokens, Workspace& work) const {
    const Block& block = blocks_.back();
    const std::int64_t dim = config_.dim;
    const std::size_t count = size(tokens, dim);
    float* x = work.x.floats(count);
    float* normed = work.normed.floats(count);
    float* kv = work.wide.floats(size(tokens, 2 * dim) + static_cast<std::size_t>(dim));
    float* q = kv + size(tokens, 2 * dim);
    float* attended = work.attended.floats(static_cast<std::size_t>(dim));
    block.norm1.apply({x, count}, epsilon_, {normed, count});
    last_.q.apply(normed, 1, q, work.inner);
    last_.kv.apply(normed, tokens, kv, work.inner);
    kernels::attention({q, 1, dim}, {kv, tokens, 2 * dim}, {kv + dim, tokens, 2 * dim},
                       {config_.heads, config_.head_dim()}, attended, nullptr, work.inner);
    block.proj.add(attended, 1, x, work.inner);
    mlp(block, x, 1, work);
  }

  void class_token(std::int64_t tokens, Workspace& work, float* out) const {
    for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) run_block(blocks_[i], tokens, work, nullptr);
    run_last_block_of_class_token(tokens, work);
    const auto dim = static_cast<std::size_t>(config_.dim);
    norm_.apply({work.x.floats(dim), dim}, epsilon_, {out, dim});
  }

  Outputs all_outputs(std::int64_t tokens, Workspace& work, const Request& request) const {
    const std::size_t count = size(tokens, config_.dim);
    const auto normed_tokens = [&] {
      Array normed = Array::of<float>({tokens, config_.dim});
      norm_.apply({work.x.floats(count), count}, epsilon_, normed.as_mutable<float>());
      return normed;
    };
    Outputs outputs;
    for (std::int64_t i = 0; i < config_.depth; ++i) {
      float* attention_weights = nullptr;
      if (request.attention && i + 1 == config_.depth) {
        outputs.attention = Array::of<float>({config_.heads, tokens, tokens});
        attention_weights = outputs.attention.as_mutable<float>().data();
      }
      run_block(blocks_[static_cast<std::size_t>(i)], tokens, work, attention_weights);
      if (i >= config_.depth - request.last_blocks) outputs.blocks.push_back(normed_tokens());
    }
    Array normed = normed_tokens();
    outputs.class_token = Array::of<float>({config_.dim});
    std::copy_n(normed.as<float>().data(), config_.dim, outputs.class_token.as_mutable<float>().data());
    if (request.tokens) outputs.tokens = std::move(normed);
    return outputs;
  }

  ViTConfig config_;
  float epsilon_;
  std::vector<float> class_token_;
  std::vector<float> registers_;
  Array pos_embed_;
  std::unique_ptr<PixelEmbedding> pixels_;  // TokenSource::Pixels
  std::unique_ptr<Linear> phi_;             // TokenSource::Features; its bias is added with the GELU
  std::vector<float> phi_bias_;
  std::vector<Block> blocks_;
  LastQueries last_;
  LayerNorm norm_;

  mutable std::mutex starts_mutex_;
  mutable std::map<Grid, std::shared_ptr<const Array>> starts_;
  mutable Workspaces workspaces_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights) {
  return std::make_unique<CpuEngine>(*weights);
}

void prepare_engine_thread() {
  kernels::use_calling_thread_only();
}

}  // namespace hipt::vit
