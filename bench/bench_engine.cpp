// ViT-256 and ResNet-50 on patches in memory: patches a second, percent of the machine's peak, and which kernels the
// time of ViT-256 goes to.

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/base/thread_pool.h"
#include "hipt/kernels/attention.h"
#include "hipt/kernels/gelu.h"
#include "hipt/kernels/layer_norm.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/pixels.h"
#include "hipt/kernels/simd.h"
#include "hipt/resnet/engine.h"
#include "hipt/vit/engine.h"

#include "bench/bench.h"

namespace hipt::bench {
namespace {

constexpr double kGiga = 1e9;
constexpr int kPatchPx = 256;
constexpr std::int64_t kTokens = 257;

// Floating-point operations of one patch: all that the published model computes, and what the engine does. For a class
// token it leaves out the last block's queries, projection and MLP of the other tokens; Winograd's form of a 3 x 3
// convolution at stride 1 has 16 products for each 2 x 2 pixels instead of 36.
struct Work {
  double published = 0.0;
  double done = 0.0;
};

Work work_of_patch(const vit::ViTConfig& config) {
  const auto dim = static_cast<double>(config.dim), mlp = static_cast<double>(config.mlp_dim);
  const auto tokens = static_cast<double>(kTokens), depth = static_cast<double>(config.depth);
  constexpr double kLastRows = 2.0;
  const double embedding = 2.0 * (tokens - 1.0) * 3.0 * static_cast<double>(config.token_px * config.token_px) * dim;
  const auto block = [&](double rows) {  // with `rows` queries
    const double qkv = 2.0 * dim * dim * (rows + 2.0 * tokens);
    const double attention = 4.0 * rows * tokens * dim;
    return qkv + attention + 2.0 * rows * dim * dim + 4.0 * rows * dim * mlp;
  };
  return {embedding + depth * block(tokens), embedding + (depth - 1.0) * block(tokens) + block(kLastRows)};
}

Work work_of_patch(const resnet::Architecture& network) {
  Work work;
  // Adds one convolution of a map of `side` px; gives the side of its output.
  const auto add = [&](const resnet::Layer& layer, std::int64_t side) {
    const std::int64_t out = (side - 1) / layer.stride + 1;
    const double taps = static_cast<double>(layer.kernel * layer.kernel);
    const double of_tap = 2.0 * static_cast<double>(layer.in * layer.out * out * out);
    work.published += of_tap * taps;
    work.done += layer.kernel == 3 && layer.stride == 1 ? of_tap * 4.0 : of_tap * taps;
    return out;
  };
  std::int64_t side = (add(network.stem, kPatchPx) - 1) / 2 + 1;
  for (const resnet::Bottleneck& block : network.blocks) {
    if (block.shortcut) add(*block.shortcut, side);
    side = add(block.spatial, add(block.reduce, side));
    add(block.expand, side);
  }
  return work;
}

// What is measured: an engine behind its encode().
struct Model {
  std::string name;
  std::string_view precision;
  Work work;
  std::size_t dim = 0;
  std::vector<std::size_t> batches;
  std::function<void(std::span<const RgbView>, std::span<float>)> encode;
};

struct Picture {
  std::vector<std::uint8_t> bytes = formula_image("bench", "patch", kPatchPx, kPatchPx);
  RgbView view{bytes.data(), kPatchPx, kPatchPx, std::ptrdiff_t{3} * kPatchPx};
};

// Patches a second of `threads` threads, each of which encodes `batch` patches a call.
double patches_per_second(const Model& model, RgbView patch, std::size_t batch, std::size_t threads) {
  constexpr std::size_t kFewestPatches = 8;
  const std::size_t calls = std::max<std::size_t>(1, kFewestPatches / batch);
  const std::vector<RgbView> pictures(batch, patch);
  const double seconds = seconds_on_threads(threads, [&](std::size_t) {
    vit::prepare_engine_thread();
    std::vector<float> features(batch * model.dim);
    for (std::size_t i = 0; i < calls; ++i) model.encode(pictures, features);
  });
  return static_cast<double>(threads * calls * batch) / seconds;
}

constexpr double kMostSeconds = 60.0;  // of all rounds of a setting

struct Setting {
  std::size_t threads = 1;
  std::size_t batch = 1;
  int rounds = kRounds;              // fewer where one takes long, as without vector instructions
  std::vector<double> rates = {};    // patches a second, one a round
  std::vector<double> of_peak = {};  // published operations over the peak measured beside it
  std::vector<double> raw_of_peak = {};
};

// Their median; "-" where the machine's peak is not known.
std::string percent(const std::vector<double>& values) {
  const double value = median(values);
  return std::isnan(value) ? "-" : fmt::format("{:.1f}", value);
}

void bench_batches(const Model& model, RgbView patch) {
  const Work work = model.work;
  std::vector<std::size_t> thread_counts = {1};
  if (usable_cores() > 1) thread_counts.push_back(usable_cores());
  std::vector<Setting> settings;
  for (const std::size_t threads : thread_counts) {
    for (const std::size_t batch : model.batches) settings.push_back({threads, batch});
  }
  patches_per_second(model, patch, 1, usable_cores());  // plans products, grows working memory
  // All settings in turn, each round anew and beside the peak, so that a change of the machine's speed meets all.
  for (int round = 0; round < kRounds; ++round) {
    for (Setting& setting : settings) {
      if (round >= setting.rounds) continue;
      const double peak_before = peak_of(model.precision, setting.threads);
      double rate = 0.0;
      const double seconds =
          seconds_of([&] { rate = patches_per_second(model, patch, setting.batch, setting.threads); });
      if (round == 0) setting.rounds = std::clamp(static_cast<int>(kMostSeconds / seconds), 1, kRounds);
      const double peak = 0.5 * (peak_before + peak_of(model.precision, setting.threads));
      setting.rates.push_back(rate);
      setting.of_peak.push_back(100.0 * rate * work.published / peak);
      setting.raw_of_peak.push_back(100.0 * rate * work.done / peak);
    }
  }
  fmt::print("\n{}, {}, cpu engine on {} (published work a patch {:.4f} GFLOP, done {:.4f})\n", model.name,
             model.precision, kernels::simd_target(), work.published / kGiga, work.done / kGiga);
  fmt::print("{:>7}{:>8}{:>12}{:>12}{:>12}{:>18}{:>8}\n", "threads", "batch", "patches/s", "ms/patch", "% of peak",
             "% of peak, done", "rounds");
  for (const Setting& setting : settings) {
    const double rate = median(setting.rates);
    fmt::print("{:>7}{:>8}{:>12.2f}{:>12.1f}{:>12}{:>18}{:>8}\n", setting.threads, setting.batch, rate,
               1000.0 * static_cast<double>(setting.threads) / rate, percent(setting.of_peak),
               percent(setting.raw_of_peak), setting.rounds);
  }
}

// The kernels of a patch one by one, at ViT-256's sizes, on one thread.
class KernelSplit {
 public:
  KernelSplit(const vit::Engine& engine, RgbView patch) : config_(engine.config()), engine_(engine), patch_(patch) {}

  void print() {
    kernels::use_calling_thread_only();
    const std::int64_t dim = config_.dim, mlp = config_.mlp_dim, depth = config_.depth;
    const std::int64_t embedding_in = 3 * config_.token_px * config_.token_px;
    const std::vector<Part> parts = {
        {"pixels to tokens", 1, [&] { kernels::pixels_to_tokens(patch_, config_.token_px, wide_.data()); }},
        product("product of the embedding", 1, embedding_in, dim, kTokens - 1),
        product("products q k v", static_cast<double>(depth - 1), dim, 3 * dim, kTokens),
        product("products of the projection", static_cast<double>(depth - 1), dim, dim, kTokens),
        product("products of the MLP, first", static_cast<double>(depth - 1), dim, mlp, kTokens),
        product("products of the MLP, second", static_cast<double>(depth - 1), mlp, dim, kTokens),
        product("product k v, last block", 1, dim, 2 * dim, kTokens),
        {"attention", static_cast<double>(depth - 1), [&] { attention(kTokens); }},
        {"attention, last block", 1, [&] { attention(2); }},
        {"layer norm", static_cast<double>(2 * depth - 1), [&] { layer_norm(); }},
        {"bias and GELU", static_cast<double>(depth - 1), [&] { gelu(); }},
    };
    std::vector<std::vector<double>> milliseconds(parts.size());
    std::vector<double> whole;
    for (int round = 0; round < 2 * kRounds; ++round) {
      for (std::size_t i = 0; i < parts.size(); ++i) milliseconds[i].push_back(parts[i].milliseconds());
      std::vector<float> feature(static_cast<std::size_t>(dim));
      whole.push_back(1000.0 * seconds_of([&] { engine_.encode({&patch_, 1}, feature); }));
    }
    fmt::print("\nWhere the time of a patch goes, one thread (kernels timed apart)\n{:<34}{:>10}{:>8}\n", "", "ms",
               "%");
    const double total = median(whole);
    double sum = 0.0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const double time = median(milliseconds[i]);
      sum += time;
      fmt::print("{:<34}{:>10.2f}{:>8.1f}\n", parts[i].name, time, 100.0 * time / total);
    }
    fmt::print("{:<34}{:>10.2f}{:>8.1f}\n{:<34}{:>10.2f}\n", "sum of these", sum, 100.0 * sum / total, "a patch",
               total);
  }

 private:
  struct Part {
    std::string name;
    double times;  // a patch
    std::function<void()> run;

    double milliseconds() const {
      constexpr int kRepeats = 4;
      run();
      return 1000.0 * times / kRepeats * seconds_of([&] {
               for (int i = 0; i < kRepeats; ++i) run();
             });
    }
  };

  Part product(std::string name, double times, std::int64_t in, std::int64_t out, std::int64_t rows) {
    const Array weight = formula_weight("bench", name, {out, in});
    auto linear = std::make_shared<kernels::Linear>(weight.as<float>(), in, out);
    return {std::move(name), times,
            [this, linear, rows] { linear->apply(wide_.data(), rows, result_.data(), scratch_); }};
  }

  void attention(std::int64_t queries) {
    const std::int64_t dim = config_.dim;
    kernels::attention({wide_.data(), queries, 3 * dim, bias_.data()},
                       {wide_.data() + dim, kTokens, 3 * dim, bias_.data()},
                       {wide_.data() + 2 * dim, kTokens, 3 * dim, bias_.data()}, {config_.heads, config_.head_dim()},
                       result_.data(), nullptr, scratch_);
  }

  void layer_norm() {
    const auto dim = static_cast<std::size_t>(config_.dim);
    const std::span<float> x = std::span(result_).first(static_cast<std::size_t>(kTokens) * dim);
    const std::span<const float> bias = std::span(bias_).first(dim);
    kernels::layer_norm_then_add(x, bias, bias, 1e-6f, std::span(wide_).first(x.size()), bias);
  }

  void gelu() {
    const auto mlp = static_cast<std::size_t>(config_.mlp_dim);
    kernels::add_bias_gelu(std::span(result_).first(static_cast<std::size_t>(kTokens) * mlp),
                           std::span(bias_).first(mlp));
  }

  static std::vector<float> numbers(std::int64_t count) {
    const Array values = formula_uniform("bench", "numbers", {count}, 0.0, 1.0);
    return {values.as<float>().begin(), values.as<float>().end()};
  }

  const vit::ViTConfig& config_;
  const vit::Engine& engine_;
  RgbView patch_;
  std::vector<float> wide_ = numbers(kTokens * 4 * config_.dim);
  std::vector<float> result_ = numbers(kTokens * 4 * config_.dim);
  std::vector<float> bias_ = numbers(4 * config_.dim);
  kernels::Scratch scratch_;
};

}  // namespace

void bench_engine() {
  const Picture picture;
  const auto weights = vit::formula_weights(vit::named_config("vit_small"), "bench");
  for (const vit::Precision precision : precisions_here()) {
    const auto vit256 = vit::make_cpu_engine(weights, precision);
    bench_batches({"ViT-256",
                   name_of(precision),
                   work_of_patch(vit256->config()),
                   static_cast<std::size_t>(vit256->config().dim),
                   {1, 4, 16, 64},
                   [&](std::span<const RgbView> patches, std::span<float> out) { vit256->encode(patches, out); }},
                  picture.view);
  }
  KernelSplit(*vit::make_cpu_engine(weights), picture.view).print();
}

void bench_resnet() {
  const Picture picture;
  const auto resnet50 = resnet::make_cpu_engine(resnet::weights_from("random:bench"));
  bench_batches({"ResNet-50 to layer3",
                 "f32",
                 work_of_patch(resnet::architecture()),
                 resnet::kDim,
                 {1, 8},
                 [&](std::span<const RgbView> patches, std::span<float> out) { resnet50->encode(patches, out); }},
                picture.view);
}

}  // namespace hipt::bench
