// The fast engine: kernels::Convolution with each batch norm folded into weights and bias. One picture at a time, so
// that its result cannot depend on the pictures beside it.

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "hipt/kernels/convolution.h"
#include "hipt/kernels/workspaces.h"
#include "hipt/resnet/engine.h"

namespace hipt::resnet {
namespace {

using kernels::Activation;
using kernels::Convolution;
using kernels::MapSize;
using kernels::Scratch;

// norm(conv(x)) as one convolution with bias. Folded in double and rounded once.
Convolution folded(const Weights& weights, const Layer& layer) {
  const auto parameter = [&](const std::string& name) { return weights.at(name).as<float>(); };
  const std::span<const float> gain = parameter(layer.norm + ".weight");
  const std::span<const float> norm_bias = parameter(layer.norm + ".bias");
  const std::span<const float> mean = parameter(layer.norm + ".running_mean");
  const std::span<const float> variance = parameter(layer.norm + ".running_var");
  const std::span<const float> given = parameter(layer.convolution + ".weight");
  std::vector<float> weight(given.size());
  std::vector<float> bias(gain.size());
  const std::size_t row = given.size() / gain.size();
  for (std::size_t out = 0; out < gain.size(); ++out) {
    const double scale = double{gain[out]} / std::sqrt(double{variance[out]} + kBatchNormEpsilon);
    bias[out] = static_cast<float>(double{norm_bias[out]} - double{mean[out]} * scale);
    for (std::size_t i = out * row; i < (out + 1) * row; ++i) weight[i] = static_cast<float>(given[i] * scale);
  }
  return Convolution(weight, bias, {layer.in, layer.out, layer.kernel, layer.stride, layer.padding()});
}

struct FoldedBlock {
  Convolution reduce;
  Convolution spatial;
  Convolution expand;
  std::optional<Convolution> shortcut;

  FoldedBlock(const Weights& weights, const Bottleneck& block)
      : reduce(folded(weights, block.reduce)),
        spatial(folded(weights, block.spatial)),
        expand(folded(weights, block.expand)) {
    if (block.shortcut) shortcut = folded(weights, *block.shortcut);
  }
};

// Maps of one call: buffers that grow to the largest picture seen.
struct Workspace {
  Scratch x;        // the map between blocks
  Scratch next;     // the one after a block that changes its shape
  Scratch reduced;  // inside a block
  Scratch spatial;
  kernels::ConvolutionWork inner;
};

// (byte / 255 - mean) / std, rounded once, for every byte: what lies beside the picture stays exactly 0, which a mean
// folded into the first bias would not give.
std::array<std::array<float, 256>, 3> normalised_bytes() {
  std::array<std::array<float, 256>, 3> table{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      table[channel][byte] = static_cast<float>((static_cast<double>(byte) / 255.0 - kMean[channel]) / kStd[channel]);
    }
  }
  return table;
}

// The largest of 3 x 3 at stride 2 of numbers that are 0 or more: y [half, channels].
void max_pool(const float* x, MapSize size, std::int64_t channels, MapSize half, float* y) {
  for (std::int64_t row = 0; row < half.height; ++row) {
    for (std::int64_t column = 0; column < half.width; ++column) {
      std::fill_n(y, channels, 0.0f);
      for (std::int64_t tap = 0; tap < 9; ++tap) {
        const std::int64_t from_row = 2 * row + tap / 3 - 1, from_column = 2 * column + tap % 3 - 1;
        if (from_row < 0 || from_row >= size.height || from_column < 0 || from_column >= size.width) continue;
        const float* pixel = x + (from_row * size.width + from_column) * channels;
        for (std::int64_t c = 0; c < channels; ++c) y[c] = std::max(y[c], pixel[c]);
      }
      y += channels;
    }
  }
}

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(const Weights& weights) : CpuEngine(weights, architecture()) {}

  void encode(std::span<const RgbView> pictures, std::span<float> out) const override {
    require_valid(pictures, out);
    workspaces_.lend([&](Workspace& work) {
      for (const RgbView picture : pictures) {
        features(picture, work, out.data());
        out = out.subspan(kDim);
      }
    });
  }

 private:
  CpuEngine(const Weights& weights, const Architecture& all) : stem_(folded(weights, all.stem)) {
    for (const Bottleneck& block : all.blocks) blocks_.emplace_back(weights, block);
  }

  static float* room(Scratch& scratch, MapSize size, std::int64_t channels) {
    return scratch.floats(static_cast<std::size_t>(size.pixels() * channels));
  }

  // Puts the map after stem and pool into work.x.
  MapSize run_stem(RgbView picture, Workspace& work) const {
    const MapSize size{picture.height, picture.width};
    float* const pixels = room(work.reduced, size, 3);
    float* next = pixels;
    for (int y = 0; y < picture.height; ++y) {
      const std::uint8_t* bytes = picture.row(y);
      for (int x = 0; x < picture.width; ++x, bytes += 3) {
        for (std::size_t channel = 0; channel < 3; ++channel) *next++ = normalised_[channel][bytes[channel]];
      }
    }
    const MapSize half = stem_.sizes().output(size);
    const std::int64_t channels = stem_.sizes().out;
    float* map = room(work.next, half, channels);
    stem_.apply(pixels, size, map, Activation::Relu, work.inner);
    const MapSize quarter{(half.height - 1) / 2 + 1, (half.width - 1) / 2 + 1};
    max_pool(map, half, channels, quarter, room(work.x, quarter, channels));
    return quarter;
  }

  // work.x becomes the block's output.
  static MapSize run_block(const FoldedBlock& block, MapSize size, Workspace& work) {
    float* x = room(work.x, size, block.reduce.sizes().in);
    float* reduced = room(work.reduced, size, block.reduce.sizes().out);
    block.reduce.apply(x, size, reduced, Activation::Relu, work.inner);
    const MapSize output = block.spatial.sizes().output(size);
    float* spatial = room(work.spatial, output, block.spatial.sizes().out);
    block.spatial.apply(reduced, size, spatial, Activation::Relu, work.inner);
    float* y = x;
    if (block.shortcut) {
      y = room(work.next, output, block.expand.sizes().out);
      block.shortcut->apply(x, size, y, Activation::None, work.inner);
      std::swap(work.x, work.next);
    }
    block.expand.apply(spatial, output, y, Activation::AddThenRelu, work.inner);
    return output;
  }

  void features(RgbView picture, Workspace& work, float* out) const {
    MapSize size = run_stem(picture, work);
    for (const FoldedBlock& block : blocks_) size = run_block(block, size, work);
    const float* pixel = room(work.x, size, kDim);
    std::array<double, kDim> sum{};
    for (std::int64_t i = 0; i < size.pixels(); ++i, pixel += kDim) {
      for (std::size_t c = 0; c < kDim; ++c) sum[c] += double{pixel[c]};
    }
    const auto pixels = static_cast<double>(size.pixels());
    std::transform(sum.begin(), sum.end(), out, [pixels](double value) { return static_cast<float>(value / pixels); });
  }

  std::array<std::array<float, 256>, 3> normalised_ = normalised_bytes();
  Convolution stem_;
  std::vector<FoldedBlock> blocks_;
  mutable kernels::Workspaces<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights) {
  return std::make_unique<CpuEngine>(*weights);
}

}  // namespace hipt::resnet
