// The fast engine: oneDNN's products and the kernels of hipt/kernels around them. One picture is one set of products
// (its tokens are the rows), so that its result cannot depend on the pictures beside it, and its working memory stays
// in the caches.

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "hipt/kernels/bfloat16.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/pixels.h"
#include "hipt/kernels/scratch.h"
#include "hipt/kernels/workspaces.h"
#include "hipt/vit/cpu_parameters.h"
#include "hipt/vit/engine.h"
#include "hipt/vit/float_blocks.h"
#include "hipt/vit/grid.h"
#include "hipt/vit/int8_blocks.h"
#include "hipt/vit/positions.h"

namespace hipt::vit {
namespace {

using kernels::Scratch;

// The floats as inputs of a product: themselves, or rounded to `memory`.
template <class Number>
const Number* as_inputs(std::span<const float> values, Scratch& memory) {
  if constexpr (std::is_same_v<Number, float>) {
    return values.data();
  } else {
    Number* const rounded = memory.numbers<Number>(values.size());
    kernels::round_to_bfloat16(values, rounded);
    return rounded;
  }
}

// `Blocks`: FloatBlocks or Int8Blocks. `Number`: what the product of the embedding takes.
template <class Blocks, class Number>
class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const Weights& weights)
      : config_(weights.config),
        epsilon_(static_cast<float>(config_.layer_norm_epsilon)),
        class_token_(weights.at("cls_token").clone()),
        pos_embed_(weights.at("pos_embed").clone()),
        embedding_(config_.source == TokenSource::Pixels ? pixel_embedding(weights) : linear_weights(weights, "phi.0")),
        blocks_(weights),
        norm_(weights, "norm") {
    if (config_.register_tokens > 0) registers_ = weights.at("register_tokens").clone();
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
  // Working memory of one call: buffers that grow to the largest sequence seen.
  struct Workspace {
    Scratch x;         // [tokens, dim], the residual stream
    Scratch embedded;  // the embedding's input, where it is rounded
    typename Blocks::Workspace blocks;
  };

  static std::size_t size(std::int64_t rows, std::int64_t cols) { return static_cast<std::size_t>(rows * cols); }

  // Each embed fills work.x with the sequence and gives its number of tokens.
  std::int64_t embed(RgbView picture, Workspace& work) const {
    const Grid grid = picture_grid(config_, picture);
    const std::size_t count = size(grid.size(), embedding_.product.in());
    float* pixels = work.blocks.wide.floats(count);
    kernels::pixels_to_tokens(picture, config_.token_px, pixels);
    float* grid_rows = start_sequence(grid, work);
    const Number* const inputs = as_inputs<Number>({pixels, count}, work.embedded);
    embedding_.product.apply(inputs, grid.size(), grid_rows, work.blocks.inner, {.add = true});
    return token_count(config_, grid);
  }

  std::int64_t embed(std::span<const float> features, Grid grid, Workspace& work) const {
    const std::size_t count = size(grid.size(), config_.dim);
    float* embedded = work.blocks.wide.floats(count);
    const Number* const inputs = as_inputs<Number>(features, work.embedded);
    embedding_.product.apply(inputs, grid.size(), embedded, work.blocks.inner);
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

  std::span<float> sequence(std::int64_t tokens, Workspace& work) const {
    const std::size_t count = size(tokens, config_.dim);
    return {work.x.floats(count), count};
  }

  void class_token(std::int64_t tokens, Workspace& work, float* out) const {
    const std::span<float> x = sequence(tokens, work);
    for (std::int64_t i = 0; i + 1 < config_.depth; ++i) blocks_.run(i, x, work.blocks, nullptr);
    blocks_.run_last_of_class_token(x, work.blocks);
    const auto dim = static_cast<std::size_t>(config_.dim);
    kernels::layer_norm(x.first(dim), norm_.gain, norm_.bias, epsilon_, {out, dim});
  }

  Outputs all_outputs(std::int64_t tokens, Workspace& work, const Request& request) const {
    const std::span<float> x = sequence(tokens, work);
    const auto normed_tokens = [&] {
      Array normed = Array::of<float>({tokens, config_.dim});
      kernels::layer_norm(x, norm_.gain, norm_.bias, epsilon_, normed.as_mutable<float>());
      return normed;
    };
    Outputs outputs;
    for (std::int64_t i = 0; i < config_.depth; ++i) {
      float* attention_weights = nullptr;
      if (request.attention && i + 1 == config_.depth) {
        outputs.attention = Array::of<float>({config_.heads, tokens, tokens});
        attention_weights = outputs.attention.as_mutable<float>().data();
      }
      blocks_.run(i, x, work.blocks, attention_weights);
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
  FloatLinear<Number> embedding_;  // patch_embed, or phi
  Blocks blocks_;
  LayerNormParameters norm_;

  mutable std::mutex starts_mutex_;
  mutable std::map<Grid, std::shared_ptr<const Array>> starts_;
  mutable kernels::Workspaces<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights, Precision precision,
                                        IfLacking if_lacking) {
  if (if_lacking == IfLacking::Refuse) require_instructions(precision);
  using kernels::BFloat16;
  if (precision == Precision::Bfloat16) {
    return std::make_unique<CpuEngine<FloatBlocks<BFloat16>, BFloat16>>(*weights);
  }
  if (precision == Precision::Int8) return std::make_unique<CpuEngine<Int8Blocks, BFloat16>>(*weights);
  return std::make_unique<CpuEngine<FloatBlocks<float>, float>>(*weights);
}

void prepare_engine_thread() {
  kernels::use_calling_thread_only();
}

}  // namespace hipt::vit
