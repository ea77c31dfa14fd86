#include "hipt/kernels/winograd.h"

#include <algorithm>
#include <array>

namespace hipt::kernels {
namespace {

constexpr std::size_t kNumbers = 16;  // of a square of 4 x 4
constexpr std::int64_t kTile = 2;     // px that a square gives each way
// Squares in hand at once: enough for products that are worth their call.
constexpr std::int64_t kFewestSquares = 64;
constexpr std::int64_t kLeastWork = std::int64_t{1} << 22;  // squares * in * out
constexpr std::int64_t kPaddingFloats = 32;  // between the planes: planes a power of two apart would share cache sets

// One of the 16 transformed weights, [out, in]: G g G^T, in double.
std::vector<float> transformed(std::span<const float> weight, std::size_t number) {
  static constexpr double kG[4][3] = {{1.0, 0.0, 0.0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0.0, 0.0, 1.0}};
  std::vector<float> result(weight.size() / 9);
  for (std::size_t pair = 0; pair < result.size(); ++pair) {
    double sum = 0.0;
    for (std::size_t tap = 0; tap < 9; ++tap) {
      sum += kG[number / 4][tap / 3] * double{weight[pair * 9 + tap]} * kG[number % 4][tap % 3];
    }
    result[pair] = static_cast<float>(sum);
  }
  return result;
}

using Square = std::array<const float*, kNumbers>;  // the pixels of a square, [channels] each

// B^T d B for every channel: to[number * plane + channel].
void transform_square(const Square& square, std::int64_t channels, std::int64_t plane, float* __restrict to) {
#pragma GCC ivdep
  for (std::int64_t c = 0; c < channels; ++c) {
    float d[4][4], t[4][4];
    for (std::size_t i = 0; i < kNumbers; ++i) d[i / 4][i % 4] = square[i][c];
    for (std::size_t j = 0; j < 4; ++j) {
      t[0][j] = d[0][j] - d[2][j];
      t[1][j] = d[1][j] + d[2][j];
      t[2][j] = d[2][j] - d[1][j];
      t[3][j] = d[1][j] - d[3][j];
    }
    for (std::size_t i = 0; i < 4; ++i) {
      float* const row = to + static_cast<std::int64_t>(4 * i) * plane + c;
      row[0] = t[i][0] - t[i][2];
      row[plane] = t[i][1] + t[i][2];
      row[2 * plane] = t[i][2] - t[i][1];
      row[3 * plane] = t[i][1] - t[i][3];
    }
  }
}

// A^T m A for every channel: to[pixel][channel] of the 2 x 2 pixels.
void transform_back(const float* __restrict from, std::int64_t channels, std::int64_t plane,
                    const std::array<float*, 4>& to) {
  float* __restrict const y0 = to[0];
  float* __restrict const y1 = to[1];
  float* __restrict const y2 = to[2];
  float* __restrict const y3 = to[3];
#pragma GCC ivdep
  for (std::int64_t c = 0; c < channels; ++c) {
    float t[2][4];
    for (std::int64_t j = 0; j < 4; ++j) {
      const float m0 = from[j * plane + c], m1 = from[(4 + j) * plane + c];
      const float m2 = from[(8 + j) * plane + c], m3 = from[(12 + j) * plane + c];
      t[0][j] = m0 + m1 + m2;
      t[1][j] = m1 - m2 - m3;
    }
    y0[c] = t[0][0] + t[0][1] + t[0][2];
    y1[c] = t[0][1] - t[0][2] - t[0][3];
    y2[c] = t[1][0] + t[1][1] + t[1][2];
    y3[c] = t[1][1] - t[1][2] - t[1][3];
  }
}

void store(const float* __restrict pixel, const float* __restrict bias, std::int64_t channels, Activation activation,
           float* __restrict y) {
  const auto value = [&](std::int64_t c) { return pixel[c] + bias[c]; };
  if (activation == Activation::None) {
    for (std::int64_t c = 0; c < channels; ++c) y[c] = value(c);
  } else if (activation == Activation::Relu) {
    for (std::int64_t c = 0; c < channels; ++c) y[c] = std::max(value(c), 0.0f);
  } else {
    for (std::int64_t c = 0; c < channels; ++c) y[c] = std::max(y[c] + value(c), 0.0f);
  }
}

}  // namespace

Winograd::Winograd(std::span<const float> weight, std::span<const float> bias, std::int64_t in, std::int64_t out)
    : in_(in), out_(out), bias_(bias.begin(), bias.end()), nothing_(static_cast<std::size_t>(in)) {
  for (std::size_t number = 0; number < kNumbers; ++number) {
    products_.emplace_back(transformed(weight, number), in, out);
  }
}

void Winograd::apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) const {
  const std::int64_t squares_wide = (size.width + kTile - 1) / kTile;
  const std::int64_t squares = (size.height + kTile - 1) / kTile * squares_wide;
  const std::int64_t block = std::min(squares, std::max(kFewestSquares, kLeastWork / (in_ * out_)));
  const std::int64_t in_plane = block * in_ + kPaddingFloats, out_plane = block * out_ + kPaddingFloats;
  const auto planes = static_cast<std::int64_t>(kNumbers);
  float* const taken = work.maps.floats(static_cast<std::size_t>(planes * (in_plane + out_plane) + 4 * out_));
  float* const mixed = taken + planes * in_plane;
  float* const pixels = mixed + planes * out_plane;
  const std::array<float*, 4> given = {pixels, pixels + out_, pixels + 2 * out_, pixels + 3 * out_};

  for (std::int64_t first = 0; first < squares; first += block) {
    const std::int64_t count = std::min(block, squares - first);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t top = (first + i) / squares_wide * kTile - 1, left = (first + i) % squares_wide * kTile - 1;
      Square square;
      for (std::int64_t pixel = 0; pixel < planes; ++pixel) {
        const std::int64_t row = top + pixel / 4, column = left + pixel % 4;
        const bool inside = row >= 0 && row < size.height && column >= 0 && column < size.width;
        square[static_cast<std::size_t>(pixel)] = inside ? x + (row * size.width + column) * in_ : nothing_.data();
      }
      transform_square(square, in_, in_plane, taken + i * in_);
    }
    for (std::size_t number = 0; number < kNumbers; ++number) {
      const auto plane = static_cast<std::int64_t>(number);
      products_[number].apply(taken + plane * in_plane, count, mixed + plane * out_plane, work.inner);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      transform_back(mixed + i * out_, out_, out_plane, given);
      const std::int64_t top = (first + i) / squares_wide * kTile, left = (first + i) % squares_wide * kTile;
      for (std::int64_t pixel = 0; pixel < 4; ++pixel) {
        const std::int64_t row = top + pixel / 2, column = left + pixel % 2;
        if (row >= size.height || column >= size.width) continue;
        store(given[static_cast<std::size_t>(pixel)], bias_.data(), out_, activation,
              y + (row * size.width + column) * out_);
      }
    }
  }
}

}  // namespace hipt::kernels
