// The fast engine: oneDNN's products and the kernels of hipt/kernels around them. One picture is one set of products
// (its tokens are the rows), so that its result cannot depend on the pictures beside it, and its working memory stays
// in the caches.

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "hipt/kernels/attention.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/pixels.h"
#include "hipt/kernels/scratch.h"
#include "hipt/kernels/workspaces.h"
#include "hipt/vit/cpu_parameters.h"
#include "hipt/vit/engine.h"
#include "hipt/vit/grid.h"
#include "hipt/vit/positions.h"

namespace hipt::vit {
namespace {

using kernels::Scratch;

// Working memory of one call: buffers that grow to the largest sequence seen.
struct Workspace {
  Scratch x;         // [tokens, dim], the residual stream
  Scratch normed;    // [tokens, dim]
  Scratch wide;      // the embedding's input, q k v, and the hidden layer of the MLP: one after the other
  Scratch attended;  // [tokens, dim]
  Scratch inner;     // of the kernels
};

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const Weights& weights)
      : config_(weights.config),
        epsilon_(static_cast<float>(config_.layer_norm_epsilon)),
        class_token_(weights.at("cls_token").clone()),
        pos_embed_(weights.at("pos_embed").clone()),
        embedding_(config_.source == TokenSource::Pixels
                       ? pixel_embedding(weights)
                       : LinearParameters(weights, "phi.0", config_.input_dim, 0, config_.dim)),
        last_(weights),
        norm_(weights, "norm") {
    if (config_.register_tokens > 0) registers_ = weights.at("register_tokens").clone();
    for (std::int64_t i = 0; i < config_.depth; ++i) blocks_.emplace_back(weights, i);
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
  static std::size_t size(std::int64_t rows, std::int64_t cols) { return static_cast<std::size_t>(rows * cols); }

  // Each embed fills work.x with the sequence and gives its number of tokens.
  std::int64_t embed(RgbView picture, Workspace& work) const {
    const Grid grid = picture_grid(config_, picture);
    float* pixels = work.wide.floats(size(grid.size(), embedding_.product.in()));
    kernels::pixels_to_tokens(picture, config_.token_px, pixels);
    float* grid_rows = start_sequence(grid, work);
    embedding_.product.apply(pixels, grid.size(), grid_rows, work.inner, {.add = true});
    return token_count(config_, grid);
  }

  std::int64_t embed(std::span<const float> features, Grid grid, Workspace& work) const {
    const std::size_t count = size(grid.size(), config_.dim);
    float* embedded = work.wide.floats(count);
    embedding_.product.apply(features.data(), grid.size(), embedded, work.inner);
    kernels::add_bias_gelu({embedded, count}, embedding_.bias);
    float* grid_rows = start_sequence(grid, work);
    std::transform(embedded, embedded + count, grid_rows, grid_rows, std::plus<>());
    return token_count(config_, grid);
  }

  // Class token, register tokens, and what is added to the grid's rows: gives where those begin.
  float* start_sequence(Grid grid, Workspace& work) const {
    const std::shared_ptr<const Array> start = sequence_start(grid);
    float* x = work.x.floats(start->size());
    std::copy_n(start->as<float>().data(), start->size(), x);
    return x + (1 + config_.register_tokens) * config_.dim;
  }

  // [tokens, dim] with positions and the bias of the pixel embedding, made once for each grid.
  std::shared_ptr<const Array> sequence_start(Grid grid) const {
    constexpr std::size_t kMostGrids = 16;
    const std::scoped_lock lock(starts_mutex_);
    if (const auto found = starts_.find(grid); found != starts_.end()) return found->second;
    const Array positions = positions_for_grid(pos_embed_, config_.trained_grid, grid);
    auto start = std::make_shared<Array>(Array::of<float>({token_count(config_, grid), config_.dim}));
    const std::span<const float> position = positions.as<float>();
    const std::span<const float> class_token = class_token_.as<float>();
    float* out = start->as_mutable<float>().data();
    out = std::transform(class_token.begin(), class_token.end(), position.begin(), out, std::plus<>());
    out = std::copy_n(registers_.as<float>().data(), registers_.size(), out);
    float* grid_rows = out;
    out = std::copy(position.begin() + config_.dim, position.end(), out);
    if (config_.source == TokenSource::Pixels) {
      for (float* row = grid_rows; row != out; row += config_.dim) {
        std::transform(embedding_.bias.begin(), embedding_.bias.end(), row, row, std::plus<>());
      }
    }
    if (starts_.size() >= kMostGrids) starts_.clear();
    starts_.emplace(grid, start);
    return start;
  }

  // normed = norm(x), then x += bias of the layer whose product comes next to x.
  void normalise(std::span<float> x, const LayerNormParameters& norm, std::span<const float> next_bias,
                 std::span<float> normed) const {
    kernels::layer_norm_then_add(x, norm.gain, norm.bias, epsilon_, normed, next_bias);
  }

  // x [rows, dim] += mlp(norm2(x))
  void mlp(const BlockParameters& block, float* x, std::int64_t rows, Workspace& work) const {
    const std::size_t count = size(rows, config_.dim);
    const std::size_t hidden_count = size(rows, config_.mlp_dim);
    float* normed = work.normed.floats(count);
    float* hidden = work.wide.floats(hidden_count);
    normalise({x, count}, block.norm2, block.fc2.bias, {normed, count});
    block.fc1.product.apply(normed, rows, hidden, work.inner);
    kernels::add_bias_gelu({hidden, hidden_count}, block.fc1.bias);
    block.fc2.product.apply(hidden, rows, x, work.inner, {.add = true});
  }

  // Queries, keys or values: part 0, 1 or 2 of rows that hold `parts` of them.
  kernels::HeadRows part_of(const float* data, std::int64_t rows, std::int64_t parts, std::int64_t part,
                            const std::vector<float>& bias) const {
    const std::int64_t dim = config_.dim;
    return {data + part * dim, rows, parts * dim, bias.empty() ? nullptr : bias.data() + part * dim};
  }

  void run_block(const BlockParameters& block, std::int64_t tokens, Workspace& work, float* attention_weights) const {
    const std::size_t count = size(tokens, config_.dim);
    float* x = work.x.floats(count);
    float* normed = work.normed.floats(count);
    float* qkv = work.wide.floats(size(tokens, 3 * config_.dim));
    float* attended = work.attended.floats(count);
    normalise({x, count}, block.norm1, block.proj.bias, {normed, count});
    block.qkv.product.apply(normed, tokens, qkv, work.inner);
    const std::vector<float>& bias = block.qkv.bias;
    kernels::attention(part_of(qkv, tokens, 3, 0, bias), part_of(qkv, tokens, 3, 1, bias),
                       part_of(qkv, tokens, 3, 2, bias), {config_.heads, config_.head_dim()}, attended,
                       attention_weights, work.inner);
    block.proj.product.apply(attended, tokens, x, work.inner, {.add = true});
    mlp(block, x, tokens, work);
  }

  // The last block for the class token: every token gives a key and a value, but nothing else of the others is ever
  // read. A second row goes along because oneDNN sums products of a single row in one long chain: with two, which cost
  // the same, features are three times nearer to exact arithmetic. (A sequence has at least two tokens.)
  void run_last_block_of_class_token(std::int64_t tokens, Workspace& work) const {
    constexpr std::int64_t kRows = 2;
    const BlockParameters& block = blocks_.back();
    const std::size_t count = size(tokens, config_.dim);
    const std::size_t kv_count = size(tokens, 2 * config_.dim);
    float* x = work.x.floats(count);
    float* normed = work.normed.floats(count);
    float* kv = work.wide.floats(kv_count + size(kRows, config_.dim));
    float* q = kv + kv_count;
    float* attended = work.attended.floats(size(kRows, config_.dim));
    normalise({x, count}, block.norm1, block.proj.bias, {normed, count});
    last_.q.product.apply(normed, kRows, q, work.inner);
    last_.kv.product.apply(normed, tokens, kv, work.inner);
    kernels::attention(part_of(q, kRows, 1, 0, last_.q.bias), part_of(kv, tokens, 2, 0, last_.kv.bias),
                       part_of(kv, tokens, 2, 1, last_.kv.bias), {config_.heads, config_.head_dim()}, attended, nullptr,
                       work.inner);
    block.proj.product.apply(attended, kRows, x, work.inner, {.add = true});
    mlp(block, x, kRows, work);
  }

  void class_token(std::int64_t tokens, Workspace& work, float* out) const {
    for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) run_block(blocks_[i], tokens, work, nullptr);
    run_last_block_of_class_token(tokens, work);
    const auto dim = static_cast<std::size_t>(config_.dim);
    kernels::layer_norm({work.x.floats(dim), dim}, norm_.gain, norm_.bias, epsilon_, {out, dim});
  }

  Outputs all_outputs(std::int64_t tokens, Workspace& work, const Request& request) const {
    const std::size_t count = size(tokens, config_.dim);
    const auto normed_tokens = [&] {
      Array normed = Array::of<float>({tokens, config_.dim});
      kernels::layer_norm({work.x.floats(count), count}, norm_.gain, norm_.bias, epsilon_, normed.as_mutable<float>());
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
  Array class_token_;
  Array registers_;  // empty for none
  Array pos_embed_;
  LinearParameters embedding_;  // patch_embed, or phi
  std::vector<BlockParameters> blocks_;
  LastBlockParameters last_;
  LayerNormParameters norm_;

  mutable std::mutex starts_mutex_;
  mutable std::map<Grid, std::shared_ptr<const Array>> starts_;
  mutable kernels::Workspaces<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights) {
  return std::make_unique<CpuEngine>(*weights);
}

void prepare_engine_thread() {
  kernels::use_calling_thread_only();
}

}  // namespace hipt::vit
