// The truncated ResNet-50 as He et al. 2016 write it, in double: convolution, batch norm and ReLU one after the other.
// About a hundredth of the speed of the cpu engine, whose oracle it is.

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "hipt/base/error.h"
#include "hipt/resnet/engine.h"

namespace hipt::resnet {
namespace {

// A feature map [height, width, channels], row-major.
struct Map {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<double> values = {};

  Map(std::int64_t its_height, std::int64_t its_width, std::int64_t its_channels, double value = 0.0)
      : height(its_height),
        width(its_width),
        channels(its_channels),
        values(static_cast<std::size_t>(height * width * channels), value) {}
  double* pixel(std::int64_t y, std::int64_t x) { return values.data() + (y * width + x) * channels; }
  const double* pixel(std::int64_t y, std::int64_t x) const { return values.data() + (y * width + x) * channels; }
  bool has(std::int64_t y, std::int64_t x) const { return y >= 0 && y < height && x >= 0 && x < width; }
};

void relu(Map& map) {
  for (double& value : map.values) value = std::max(value, 0.0);
}

Map normalised(RgbView picture) {
  Map map(picture.height, picture.width, 3);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const double value = picture.row(y)[3 * static_cast<std::size_t>(x) + channel] / 255.0;
        map.pixel(y, x)[channel] = (value - kMean[channel]) / kStd[channel];
      }
    }
  }
  return map;
}

// The largest of 3 x 3 at stride 2; what lies outside does not count.
Map max_pool(const Map& x) {
  Map y((x.height - 1) / 2 + 1, (x.width - 1) / 2 + 1, x.channels, -std::numeric_limits<double>::infinity());
  for (std::int64_t row = 0; row < y.height; ++row) {
    for (std::int64_t column = 0; column < y.width; ++column) {
      for (std::int64_t tap = 0; tap < 9; ++tap) {
        const std::int64_t from_row = 2 * row + tap / 3 - 1, from_column = 2 * column + tap % 3 - 1;
        if (!x.has(from_row, from_column)) continue;
        for (std::int64_t c = 0; c < x.channels; ++c) {
          y.pixel(row, column)[c] = std::max(y.pixel(row, column)[c], x.pixel(from_row, from_column)[c]);
        }
      }
    }
  }
  return y;
}

class ReferenceEngine final : public Engine {
 public:
  explicit ReferenceEngine(std::shared_ptr<const Weights> weights) : weights_(std::move(weights)) {}

  void encode(std::span<const RgbView> pictures, std::span<float> out) const override {
    require_valid(pictures, out);
    for (const RgbView picture : pictures) {
      features(picture, out.data());
      out = out.subspan(kDim);
    }
  }

 private:
  const float* parameter(const std::string& name) const { return weights_->at(name).as<float>().data(); }

  Map convolution(const Map& x, const Layer& layer) const {
    const auto side = [&](std::int64_t size) { return (size + 2 * layer.padding() - layer.kernel) / layer.stride + 1; };
    Map y(side(x.height), side(x.width), layer.out);
    const float* weight = parameter(layer.convolution + ".weight");  // [out, in, kernel, kernel]
    const std::int64_t taps = layer.kernel * layer.kernel;
    std::vector<double> of_tap(static_cast<std::size_t>(layer.in * layer.out));  // [in, out]
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t in = 0; in < layer.in; ++in) {
        for (std::int64_t out = 0; out < layer.out; ++out) {
          of_tap[static_cast<std::size_t>(in * layer.out + out)] = weight[(out * layer.in + in) * taps + tap];
        }
      }
      add_tap(x, of_tap, layer, tap, y);
    }
    return y;
  }

  // y += what one place of the kernel sees, times its weights.
  static void add_tap(const Map& x, const std::vector<double>& weight, const Layer& layer, std::int64_t tap, Map& y) {
    for (std::int64_t row = 0; row < y.height; ++row) {
      for (std::int64_t column = 0; column < y.width; ++column) {
        const std::int64_t from_row = row * layer.stride + tap / layer.kernel - layer.padding();
        const std::int64_t from_column = column * layer.stride + tap % layer.kernel - layer.padding();
        if (!x.has(from_row, from_column)) continue;
        double* sum = y.pixel(row, column);
        for (std::int64_t in = 0; in < layer.in; ++in) {
          const double value = x.pixel(from_row, from_column)[in];
          const double* row_of_weights = weight.data() + in * layer.out;
          for (std::int64_t out = 0; out < layer.out; ++out) sum[out] += value * row_of_weights[out];
        }
      }
    }
  }

  // With the running statistics: (x - mean) / sqrt(variance + epsilon) * gain + bias.
  void batch_norm(Map& map, const std::string& name) const {
    const float* gain = parameter(name + ".weight");
    const float* bias = parameter(name + ".bias");
    const float* mean = parameter(name + ".running_mean");
    const float* variance = parameter(name + ".running_var");
    for (std::size_t i = 0; i < map.values.size(); ++i) {
      const std::size_t c = i % static_cast<std::size_t>(map.channels);
      map.values[i] = (map.values[i] - mean[c]) / std::sqrt(variance[c] + kBatchNormEpsilon) * gain[c] + bias[c];
    }
  }

  Map layer(const Map& x, const Layer& which) const {
    Map y = convolution(x, which);
    batch_norm(y, which.norm);
    return y;
  }

  Map block(const Map& x, const Bottleneck& which) const {
    Map inner = layer(x, which.reduce);
    relu(inner);
    inner = layer(inner, which.spatial);
    relu(inner);
    Map y = layer(inner, which.expand);
    const Map shortcut = which.shortcut ? layer(x, *which.shortcut) : x;
    std::transform(y.values.begin(), y.values.end(), shortcut.values.begin(), y.values.begin(), std::plus<>());
    relu(y);
    return y;
  }

  void features(RgbView picture, float* out) const {
    const Architecture all = architecture();
    Map x = layer(normalised(picture), all.stem);
    relu(x);
    x = max_pool(x);
    for (const Bottleneck& which : all.blocks) x = block(x, which);
    std::vector<double> sum(kDim);
    for (std::size_t i = 0; i < x.values.size(); ++i) sum[i % kDim] += x.values[i];
    const double pixels = static_cast<double>(x.height * x.width);
    std::transform(sum.begin(), sum.end(), out, [pixels](double value) { return static_cast<float>(value / pixels); });
  }

  std::shared_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<Engine> make_reference_engine(std::shared_ptr<const Weights> weights) {
  return std::make_unique<ReferenceEngine>(std::move(weights));
}

void require_valid(std::span<const RgbView> pictures, std::span<float> out) {
  for (const RgbView picture : pictures) {
    if (picture.width <= 0 || picture.height <= 0) throw Error(ErrorCode::InvalidArgument, "a picture without pixels");
  }
  if (out.size() != pictures.size() * static_cast<std::size_t>(kDim)) {
    throw Error(ErrorCode::Internal, "resnet50: the output has another size than the pictures' features");
  }
}

}  // namespace hipt::resnet
