#include "hipt/image/resample.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "hipt/image/resample_weights.h"

namespace hipt::image {
namespace {

// Bytes that are weighted side by side: of one row in the vertical pass, of as many rows in the horizontal one.
constexpr int kLanes = 32;
// Bytes of a row that are moved at a time.
constexpr std::ptrdiff_t kLine = 64;
// Rows of the result that are made at a time, so that what lies between the passes stays in the cache.
constexpr int kBandRows = 64;

// out[lane] = sum of weights[i] * in[i * stride + lane], rounded.
template <int lanes>
[[gnu::always_inline]] inline void weigh_lanes(const std::uint8_t* in, std::ptrdiff_t stride,
                                               std::span<const std::int32_t> weights, std::uint8_t* out) {
  std::int32_t sums[lanes];
  for (int lane = 0; lane < lanes; ++lane) sums[lane] = 1 << (kWeightBits - 1);
  for (const std::int32_t weight : weights) {
    for (int lane = 0; lane < lanes; ++lane) sums[lane] += weight * in[lane];
    in += stride;
  }
  for (int lane = 0; lane < lanes; ++lane) {
    out[lane] = static_cast<std::uint8_t>(std::clamp(sums[lane] >> kWeightBits, 0, 255));
  }
}

using Weigh = void (*)(const std::uint8_t* in, std::ptrdiff_t stride, std::span<const std::int32_t> weights,
                       std::uint8_t* out);

void weigh_baseline(const std::uint8_t* in, std::ptrdiff_t stride, std::span<const std::int32_t> weights,
                    std::uint8_t* out) {
  weigh_lanes<kLanes>(in, stride, weights, out);
}

#ifdef __x86_64__
[[gnu::target("avx2")]] void weigh_avx2(const std::uint8_t* in, std::ptrdiff_t stride,
                                        std::span<const std::int32_t> weights, std::uint8_t* out) {
  weigh_lanes<kLanes>(in, stride, weights, out);
}
#endif

// Whole numbers: every instruction set gives the same bytes.
Weigh best_weigh() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) return weigh_avx2;
#endif
  return weigh_baseline;
}

// Rows of bytes in memory.
struct Rows {
  const std::uint8_t* data;
  std::ptrdiff_t stride;
};

// One row of the vertical pass: the weighted sum of the rows from `in` on. Chunks overlap at the end.
void weigh_rows(Weigh weigh, Rows in, std::span<const std::int32_t> weights, std::ptrdiff_t bytes, std::uint8_t* out) {
  if (bytes < kLanes) {
    for (std::ptrdiff_t i = 0; i < bytes; ++i) weigh_lanes<1>(in.data + i, in.stride, weights, out + i);
    return;
  }
  for (std::ptrdiff_t i = 0; i < bytes; i += kLanes) {
    const std::ptrdiff_t at = std::min(i, bytes - kLanes);
    weigh(in.data + at, in.stride, weights, out + at);
  }
}

using Vector = std::uint8_t __attribute__((vector_size(16)));
constexpr int kVector = 16;

// a0 b0 a1 b1 ... of the first or second halves.
Vector interleave_first(Vector a, Vector b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
Vector interleave_second(Vector a, Vector b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// 16 x 16 bytes: four perfect shuffles of the rows.
void transpose_tile(const std::uint8_t* in, std::ptrdiff_t in_stride, std::uint8_t* out, std::ptrdiff_t out_stride) {
  Vector rows[kVector];
  for (int i = 0; i < kVector; ++i) std::memcpy(&rows[i], in + i * in_stride, kVector);
  for (int round = 0; round < 4; ++round) {
    Vector shuffled[kVector];
    for (int i = 0; i < kVector / 2; ++i) {
      shuffled[2 * i] = interleave_first(rows[i], rows[i + kVector / 2]);
      shuffled[2 * i + 1] = interleave_second(rows[i], rows[i + kVector / 2]);
    }
    std::memcpy(rows, shuffled, sizeof(rows));
  }
  for (int i = 0; i < kVector; ++i) std::memcpy(out + i * out_stride, &rows[i], kVector);
}

// `in_rows` x `in_columns` bytes, multiples of 16.
void transpose(const std::uint8_t* in, int in_rows, int in_columns, std::uint8_t* out) {
  for (int row = 0; row < in_rows; row += kVector) {
    for (int column = 0; column < in_columns; column += kVector) {
      transpose_tile(in + std::ptrdiff_t{row} * in_columns + column, in_columns,
                     out + std::ptrdiff_t{column} * in_rows + row, in_rows);
    }
  }
}

// The horizontal pass turns kLanes rows into columns, so that it is the vertical one.
class HorizontalPass {
 public:
  HorizontalPass(Weigh weigh, int from, int to, Filter filter)
      : weigh_(weigh),
        from_(from),
        to_(to),
        weights_(from, to, filter),
        columns_(whole_lines(from)),
        resized_(whole_lines(to)) {}

  void run(Rows in, int rows, std::uint8_t* out) {
    for (int row = 0; row < rows; row += kLanes) {
      const int count = std::min(kLanes, rows - row);
      to_columns({in.data + row * in.stride, in.stride}, count);
      for (int x = 0; x < to_; ++x) {
        const std::uint8_t* source = columns_.data() + std::ptrdiff_t{weights_.first(x)} * 3 * kLanes;
        for (int channel = 0; channel < 3; ++channel) {
          weigh_(source + channel * kLanes, 3 * kLanes, weights_.of(x),
                 resized_.data() + (std::ptrdiff_t{x} * 3 + channel) * kLanes);
        }
      }
      to_rows(out + std::ptrdiff_t{row} * to_ * 3, count);
    }
  }

 private:
  static std::size_t whole_lines(int pixels) {
    return static_cast<std::size_t>((std::ptrdiff_t{pixels} * 3 + kLine - 1) / kLine * kLine * kLanes);
  }

  // Through a copy of one cache line a row: whole lines are read once, however far apart the rows lie.
  void to_columns(Rows in, int count) {
    std::uint8_t lines[kLanes * kLine] = {};
    const std::ptrdiff_t bytes = std::ptrdiff_t{from_} * 3;
    for (std::ptrdiff_t i = 0; i < bytes; i += kLine) {
      const std::ptrdiff_t length = std::min(kLine, bytes - i);
      for (int row = 0; row < count; ++row) {
        std::memcpy(lines + row * kLine, in.data + row * in.stride + i, static_cast<std::size_t>(length));
      }
      transpose(lines, kLanes, kLine, columns_.data() + i * kLanes);
    }
  }
  void to_rows(std::uint8_t* out, int count) const {
    std::uint8_t lines[kLanes * kLine];
    const std::ptrdiff_t bytes = std::ptrdiff_t{to_} * 3;
    for (std::ptrdiff_t i = 0; i < bytes; i += kLine) {
      const std::ptrdiff_t length = std::min(kLine, bytes - i);
      transpose(resized_.data() + i * kLanes, kLine, kLanes, lines);
      for (int row = 0; row < count; ++row) {
        std::memcpy(out + row * bytes + i, lines + row * kLine, static_cast<std::size_t>(length));
      }
    }
  }

  Weigh weigh_;
  int from_;
  int to_;
  ResampleWeights weights_;
  std::vector<std::uint8_t> columns_;  // [3 * from, kLanes], padded to whole lines
  std::vector<std::uint8_t> resized_;  // [3 * to, kLanes]
};

}  // namespace

RgbImage resample(RgbView picture, int width, int height, Filter filter) {
  check_resample_size(picture, width, height);
  RgbImage resized(width, height);
  const Weigh weigh = best_weigh();
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{width} * 3;
  if (width == picture.width && height == picture.height) {
    for (int y = 0; y < height; ++y) std::memcpy(resized.row(y), picture.row(y), static_cast<std::size_t>(row_bytes));
    return resized;
  }
  std::optional<HorizontalPass> horizontal;
  if (width != picture.width) horizontal.emplace(weigh, picture.width, width, filter);
  if (height == picture.height) {
    horizontal->run({picture.data, picture.row_bytes}, height, resized.data());
    return resized;
  }
  const ResampleWeights vertical(picture.height, height, filter);
  std::vector<std::uint8_t> between;
  for (int band = 0; band < height; band += kBandRows) {
    const int band_end = std::min(height, band + kBandRows);
    const int first = vertical.first(band);
    Rows rows{picture.row(first), picture.row_bytes};
    if (horizontal) {
      const int count = vertical.end(band_end - 1) - first;
      between.resize(static_cast<std::size_t>(row_bytes) * static_cast<std::size_t>(count));
      horizontal->run(rows, count, between.data());
      rows = {between.data(), row_bytes};
    }
    for (int y = band; y < band_end; ++y) {
      const Rows taps{rows.data + (vertical.first(y) - first) * rows.stride, rows.stride};
      weigh_rows(weigh, taps, vertical.of(y), row_bytes, resized.row(y));
    }
  }
  return resized;
}

}  // namespace hipt::image
