#include "hipt/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;

// Queries are taken kQueryBlock at a time, so that their scores stay in the caches while the keys pass by, and inside
// a block kTileRows at a time: 6 x 2 vectors of sums fill the 16 registers of AVX2.
constexpr std::size_t kTileRows = 6;
constexpr std::size_t kQueryBlock = 4 * kTileRows;

HWY_INLINE std::size_t RoundUp(std::size_t n, std::size_t to) {
  return (n + to - 1) / to * to;
}

// c [kRows, 2 vectors] = a [kRows, depth] times panel [depth, 2 vectors].
template <std::size_t kRows>
HWY_INLINE void TileProduct(const float* HWY_RESTRICT a, std::size_t a_stride, const float* HWY_RESTRICT panel,
                            std::size_t depth, float* HWY_RESTRICT c, std::size_t c_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  auto c00 = hn::Zero(d), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  auto c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  const auto row = [&](std::size_t r, std::size_t k, auto b0, auto b1, auto& s0, auto& s1) HWY_ATTR {
    const auto value = hn::Set(d, a[r * a_stride + k]);
    s0 = hn::MulAdd(value, b0, s0);
    s1 = hn::MulAdd(value, b1, s1);
  };
  for (std::size_t k = 0; k < depth; ++k, panel += 2 * lanes) {
    const auto b0 = hn::Load(d, panel);
    const auto b1 = hn::Load(d, panel + lanes);
    row(0, k, b0, b1, c00, c01);
    if constexpr (kRows > 1) row(1, k, b0, b1, c10, c11);
    if constexpr (kRows > 2) row(2, k, b0, b1, c20, c21);
    if constexpr (kRows > 3) row(3, k, b0, b1, c30, c31);
    if constexpr (kRows > 4) row(4, k, b0, b1, c40, c41);
    if constexpr (kRows > 5) row(5, k, b0, b1, c50, c51);
  }
  const auto store = [&](std::size_t r, auto s0, auto s1) HWY_ATTR {
    hn::Store(s0, d, c + r * c_stride);
    hn::Store(s1, d, c + r * c_stride + lanes);
  };
  store(0, c00, c01);
  if constexpr (kRows > 1) store(1, c10, c11);
  if constexpr (kRows > 2) store(2, c20, c21);
  if constexpr (kRows > 3) store(3, c30, c31);
  if constexpr (kRows > 4) store(4, c40, c41);
  if constexpr (kRows > 5) store(5, c50, c51);
}

// c [rows, panels * 2 vectors] = a [rows, depth] times the panels, each [depth, 2 vectors]. A panel stays in the
// nearest cache while all rows use it.
HWY_INLINE void Product(const float* a, std::size_t rows, std::size_t a_stride, const float* panels, std::size_t depth,
                        std::size_t panel_count, float* c, std::size_t c_stride) {
  const std::size_t width = 2 * hn::Lanes(D());
  for (std::size_t p = 0; p < panel_count; ++p, panels += depth * width, c += width) {
    std::size_t r = 0;
    for (; r + kTileRows <= rows; r += kTileRows) {
      TileProduct<kTileRows>(a + r * a_stride, a_stride, panels, depth, c + r * c_stride, c_stride);
    }
    const float* rest = a + r * a_stride;
    switch (rows - r) {
      case 1:
        TileProduct<1>(rest, a_stride, panels, depth, c + r * c_stride, c_stride);
        break;
      case 2:
        TileProduct<2>(rest, a_stride, panels, depth, c + r * c_stride, c_stride);
        break;
      case 3:
        TileProduct<3>(rest, a_stride, panels, depth, c + r * c_stride, c_stride);
        break;
      case 4:
        TileProduct<4>(rest, a_stride, panels, depth, c + r * c_stride, c_stride);
        break;
      case 5:
        TileProduct<5>(rest, a_stride, panels, depth, c + r * c_stride, c_stride);
        break;
      default:
        break;
    }
  }
}

// Rows [first, first + count) of one head, bias added, to `out` [count, head_dim].
HWY_INLINE void CopyRows(const HeadRows& rows, std::size_t first, std::size_t count, std::size_t column,
                         std::size_t head_dim, float* HWY_RESTRICT out) {
  const auto stride = static_cast<std::size_t>(rows.stride);
  for (std::size_t r = 0; r < count; ++r, out += head_dim) {
    const float* from = rows.data + (first + r) * stride + column;
    if (rows.bias == nullptr) {
      for (std::size_t i = 0; i < head_dim; ++i) out[i] = from[i];
    } else {
      for (std::size_t i = 0; i < head_dim; ++i) out[i] = from[i] + rows.bias[column + i];
    }
  }
}

// Keys of one head, bias added, times `scale`, to panels [head_dim, 2 vectors of keys]; keys beyond the last are 0.
void PackKeys(const HeadRows& k, std::size_t column, std::size_t head_dim, float scale, float* HWY_RESTRICT panels) {
  const std::size_t width = 2 * hn::Lanes(D());
  const auto rows = static_cast<std::size_t>(k.rows);
  const auto stride = static_cast<std::size_t>(k.stride);
  for (std::size_t first = 0; first < rows; first += width, panels += head_dim * width) {
    const std::size_t count = std::min(width, rows - first);
    if (count < width) std::memset(panels, 0, head_dim * width * sizeof(float));
    const float* from = k.data + first * stride + column;
    for (std::size_t j = 0; j < head_dim; ++j) {
      const float bias = k.bias == nullptr ? 0.0f : k.bias[column + j];
      for (std::size_t i = 0; i < count; ++i) panels[j * width + i] = (from[i * stride + j] + bias) * scale;
    }
  }
}

// Values of one head, bias added, to panels [keys, 2 vectors of the head's dimensions]; dimensions beyond the last are
// 0.
void PackValues(const HeadRows& v, std::size_t column, std::size_t head_dim, float* HWY_RESTRICT panels) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const auto rows = static_cast<std::size_t>(v.rows);
  const auto stride = static_cast<std::size_t>(v.stride);
  for (std::size_t first = 0; first < head_dim; first += 2 * lanes) {
    const float* from = v.data + column + first;
    const float* bias = v.bias == nullptr ? nullptr : v.bias + column + first;
    const std::size_t count = std::min(2 * lanes, head_dim - first);
    if (count == 2 * lanes) {
      const auto b0 = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias);
      const auto b1 = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + lanes);
      for (std::size_t key = 0; key < rows; ++key, from += stride, panels += 2 * lanes) {
        hn::Store(hn::Add(hn::LoadU(d, from), b0), d, panels);
        hn::Store(hn::Add(hn::LoadU(d, from + lanes), b1), d, panels + lanes);
      }
      continue;
    }
    for (std::size_t key = 0; key < rows; ++key, from += stride, panels += 2 * lanes) {
      for (std::size_t i = 0; i < count; ++i) panels[i] = from[i] + (bias == nullptr ? 0.0f : bias[i]);
      for (std::size_t i = count; i < 2 * lanes; ++i) panels[i] = 0.0f;
    }
  }
}

// exp(score - largest) in place over one row; gives one over their sum. The padding behind `keys` becomes next to 0.
HWY_INLINE float ExpOfRow(float* HWY_RESTRICT scores, std::size_t keys, std::size_t padded_keys) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = keys; i < padded_keys; ++i) scores[i] = -1e30f;
  auto m0 = hn::Load(d, scores), m1 = hn::Load(d, scores + lanes);
  for (std::size_t i = 2 * lanes; i < padded_keys; i += 2 * lanes) {
    m0 = hn::Max(m0, hn::Load(d, scores + i));
    m1 = hn::Max(m1, hn::Load(d, scores + i + lanes));
  }
  const auto largest = hn::MaxOfLanes(d, hn::Max(m0, m1));
  auto s0 = hn::Zero(d), s1 = s0;
  for (std::size_t i = 0; i < padded_keys; i += 2 * lanes) {
    const auto e0 = ExpOfNonPositive(d, hn::Sub(hn::Load(d, scores + i), largest));
    const auto e1 = ExpOfNonPositive(d, hn::Sub(hn::Load(d, scores + i + lanes), largest));
    hn::Store(e0, d, scores + i);
    hn::Store(e1, d, scores + i + lanes);
    s0 = hn::Add(s0, e0);
    s1 = hn::Add(s1, e1);
  }
  return 1.0f / hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
}

void Attention(HeadRows q, HeadRows k, HeadRows v, AttentionSizes sizes, float* out, float* weights, Scratch& scratch) {
  const std::size_t width = 2 * hn::Lanes(D());
  const auto heads = static_cast<std::size_t>(sizes.heads);
  const auto head_dim = static_cast<std::size_t>(sizes.head_dim);
  const auto queries = static_cast<std::size_t>(q.rows);
  const auto keys = static_cast<std::size_t>(k.rows);
  const std::size_t padded_keys = RoundUp(keys, width);
  const std::size_t padded_dim = RoundUp(head_dim, width);
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));

  float* const key_panels =
      scratch.floats(padded_keys * head_dim + keys * padded_dim + kQueryBlock * (padded_keys + padded_dim + head_dim));
  float* const value_panels = key_panels + padded_keys * head_dim;
  float* const scores = value_panels + keys * padded_dim;
  float* const mixed = scores + kQueryBlock * padded_keys;
  float* const query_rows = mixed + kQueryBlock * padded_dim;
  for (std::size_t head = 0; head < heads; ++head) {
    const std::size_t column = head * head_dim;
    PackKeys(k, column, head_dim, scale, key_panels);
    PackValues(v, column, head_dim, value_panels);
    for (std::size_t first = 0; first < queries; first += kQueryBlock) {
      const std::size_t rows = std::min(kQueryBlock, queries - first);
      CopyRows(q, first, rows, column, head_dim, query_rows);
      Product(query_rows, rows, head_dim, key_panels, head_dim, padded_keys / width, scores, padded_keys);
      float inverse[kQueryBlock];
      for (std::size_t r = 0; r < rows; ++r) inverse[r] = ExpOfRow(scores + r * padded_keys, keys, padded_keys);
      Product(scores, rows, padded_keys, value_panels, keys, padded_dim / width, mixed, padded_dim);
      for (std::size_t r = 0; r < rows; ++r) {
        float* to = out + (first + r) * heads * head_dim + column;
        for (std::size_t i = 0; i < head_dim; ++i) to[i] = mixed[r * padded_dim + i] * inverse[r];
        if (weights == nullptr) continue;
        float* share = weights + (head * queries + first + r) * keys;
        for (std::size_t i = 0; i < keys; ++i) share[i] = scores[r * padded_keys + i] * inverse[r];
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(Attention);

void attention(HeadRows q, HeadRows k, HeadRows v, AttentionSizes sizes, float* out, float* weights, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(Attention)(q, k, v, sizes, out, weights, scratch);
}

}  // namespace hipt::kernels
#endif
