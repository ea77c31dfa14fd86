#include "hipt/kernels/attention_bfloat16.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hipt/kernels/attention_bfloat16_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hipt/kernels/attention_bfloat16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hipt/kernels/bfloat16-inl.h"
#include "hipt/kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hipt::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// As attention.cpp, but what is summed over stands in words of two bfloat16 (dimensions of a query and a key; keys of
// the shares and the values); an odd last one has a 0 beside it.
using D = hn::ScalableTag<float>;
using Word = std::uint32_t;

constexpr std::size_t kQueryBlock = 4 * kBfloat16TileRows;

HWY_INLINE std::size_t RoundUp(std::size_t n, std::size_t to) {
  return (n + to - 1) / to * to;
}

// c [rows, 2 vectors] = a [rows, 2 * depth] times panel [depth words, 2 vectors].
HWY_INLINE void Tile(const BFloat16* a, std::size_t rows, std::size_t a_stride, const Word* panel, std::size_t depth,
                     float* c, std::size_t c_stride) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const std::size_t lanes = hn::Lanes(d);
  const auto first = [&](auto words) HWY_ATTR { return hn::BitCast(d, hn::ShiftLeft<16>(words)); };
  const auto second = [&](auto words) HWY_ATTR { return hn::BitCast(d, hn::And(words, hn::Set(du, 0xffff0000u))); };
  for (std::size_t r = 0; r < rows; ++r, a += a_stride, c += c_stride) {
    auto left0 = hn::Zero(d), left1 = left0, right0 = left0, right1 = left0;
    for (std::size_t k = 0; k < depth; ++k) {
      const auto left = hn::Load(du, panel + 2 * k * lanes);
      const auto right = hn::Load(du, panel + (2 * k + 1) * lanes);
      const auto value = hn::Set(du, bfloat16_word(a + 2 * k));
      left0 = hn::MulAdd(first(value), first(left), left0);
      left1 = hn::MulAdd(second(value), second(left), left1);
      right0 = hn::MulAdd(first(value), first(right), right0);
      right1 = hn::MulAdd(second(value), second(right), right1);
    }
    hn::Store(hn::Add(left0, left1), d, c);
    hn::Store(hn::Add(right0, right1), d, c + lanes);
  }
}

// c [rows, panels * 2 vectors] = a [rows, 2 * depth] times the panels, each [depth words, 2 vectors]. `fast`: the
// machine has AVX-512 BF16.
HWY_INLINE void Product(bool fast, const BFloat16* a, std::size_t rows, std::size_t a_stride, const Word* panels,
                        std::size_t depth, std::size_t panel_count, float* c, std::size_t c_stride) {
  const std::size_t lanes = hn::Lanes(D());
  for (std::size_t p = 0; p < panel_count; ++p, panels += depth * 2 * lanes, c += 2 * lanes) {
    for (std::size_t r = 0; r < rows; r += kBfloat16TileRows) {
      const std::size_t count = std::min(kBfloat16TileRows, rows - r);
#if HWY_ARCH_X86
      if (fast && lanes == 16) {
        bfloat16_tile_avx512(a + r * a_stride, count, a_stride, panels, depth, c + r * c_stride, c_stride);
        continue;
      }
#endif
      Tile(a + r * a_stride, count, a_stride, panels, depth, c + r * c_stride, c_stride);
    }
  }
}

// Rows [first, first + count) of one head, scaled, biased, times `factor` and rounded, to out [count, stride]; beyond
// head_dim 0.
HWY_INLINE void RoundRows(const ScaledHeadRows& rows, std::size_t first, std::size_t count, std::size_t column,
                          std::size_t head_dim, float factor, BFloat16* out, std::size_t out_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const float* bias = rows.bias == nullptr ? nullptr : rows.bias + column;
  for (std::size_t r = first; r < first + count; ++r, out += out_stride) {
    const float* from = rows.data + r * static_cast<std::size_t>(rows.stride) + column;
    const float scale = rows.scales == nullptr ? 1.0f : rows.scales[r];
    std::size_t i = 0;
    for (; i + lanes <= head_dim; i += lanes) {
      const auto added = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + i);
      const auto value = hn::MulAdd(hn::LoadU(d, from + i), hn::Set(d, scale), added);
      StoreNumbers(hn::Mul(value, hn::Set(d, factor)), d, out + i);
    }
    for (; i < head_dim; ++i) {
      out[i] = to_bfloat16((from[i] * scale + (bias == nullptr ? 0.0f : bias[i])) * factor);
    }
    for (; i < out_stride; ++i) out[i] = {};
  }
}

// Keys of one head to panels [words, 2 vectors of keys]; keys beyond the last are 0. `rounded`: [2 vectors, 2 words].
void PackKeys(const ScaledHeadRows& k, std::size_t column, std::size_t head_dim, float factor, BFloat16* rounded,
              Word* panels) {
  const std::size_t width = 2 * hn::Lanes(D());
  const std::size_t words = (head_dim + 1) / 2;
  const auto rows = static_cast<std::size_t>(k.rows);
  for (std::size_t first = 0; first < rows; first += width, panels += words * width) {
    const std::size_t count = std::min(width, rows - first);
    if (count < width) std::memset(panels, 0, words * width * sizeof(Word));
    RoundRows(k, first, count, column, head_dim, factor, rounded, 2 * words);
    for (std::size_t w = 0; w < words; ++w) {
      for (std::size_t i = 0; i < count; ++i) panels[w * width + i] = bfloat16_word(rounded + 2 * (i * words + w));
    }
  }
}

// Values of one head to panels [pairs of keys, 2 vectors of the head's dimensions]; what is beyond the last is 0.
// `rounded`: [2, head_dim].
void PackValues(const ScaledHeadRows& v, std::size_t column, std::size_t head_dim, std::size_t padded_dim,
                BFloat16* rounded, Word* panels) {
  const std::size_t width = 2 * hn::Lanes(D());
  const auto rows = static_cast<std::size_t>(v.rows);
  const std::size_t pairs = (rows + 1) / 2;
  std::memset(panels, 0, pairs * padded_dim * sizeof(Word));
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const std::size_t count = std::min<std::size_t>(2, rows - 2 * pair);
    const BFloat16* const first = rounded;
    BFloat16* const second = rounded + head_dim;
    RoundRows(v, 2 * pair, count, column, head_dim, 1.0f, rounded, head_dim);
    if (count == 1) std::fill_n(second, head_dim, BFloat16{});
    for (std::size_t start = 0; start < head_dim; start += width) {
      Word* const to = panels + (start / width * pairs + pair) * width;
      const std::size_t end = std::min(width, head_dim - start);
      for (std::size_t i = 0; i < end; ++i) {
        to[i] = Word{first[start + i].bits} | (Word{second[start + i].bits} << 16);
      }
    }
  }
}

// exp(score - largest) of one row, rounded to `shares` too; gives one over their sum. What stands behind `keys` becomes
// 0.
HWY_INLINE float ExpOfRow(float* HWY_RESTRICT scores, std::size_t keys, std::size_t padded_keys,
                          BFloat16* HWY_RESTRICT shares) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = keys; i < padded_keys; ++i) scores[i] = -1e30f;
  auto m = hn::Load(d, scores);
  for (std::size_t i = lanes; i < padded_keys; i += lanes) m = hn::Max(m, hn::Load(d, scores + i));
  const auto largest = hn::MaxOfLanes(d, m);
  auto s0 = hn::Zero(d), s1 = s0;
  for (std::size_t i = 0; i < padded_keys; i += 2 * lanes) {
    const auto e0 = ExpOfNonPositive(d, hn::Sub(hn::Load(d, scores + i), largest));
    const auto e1 = ExpOfNonPositive(d, hn::Sub(hn::Load(d, scores + i + lanes), largest));
    hn::Store(e0, d, scores + i);
    hn::Store(e1, d, scores + i + lanes);
    StoreNumbers(e0, d, shares + i);
    StoreNumbers(e1, d, shares + i + lanes);
    s0 = hn::Add(s0, e0);
    s1 = hn::Add(s1, e1);
  }
  for (std::size_t i = keys; i < padded_keys; ++i) shares[i] = {};
  return 1.0f / hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
}

// Number: float or BFloat16.
template <class Number>
HWY_INLINE void Attend(bool fast, const ScaledHeadRows& q, const ScaledHeadRows& k, const ScaledHeadRows& v,
                       AttentionSizes sizes, Number* out, float* weights, Scratch& scratch) {
  const std::size_t width = 2 * hn::Lanes(D());
  const auto heads = static_cast<std::size_t>(sizes.heads);
  const auto head_dim = static_cast<std::size_t>(sizes.head_dim);
  const auto queries = static_cast<std::size_t>(q.rows);
  const auto keys = static_cast<std::size_t>(k.rows);
  const std::size_t words = (head_dim + 1) / 2, key_words = (keys + 1) / 2;
  const std::size_t padded_keys = RoundUp(keys, width), padded_dim = RoundUp(head_dim, width);
  const float factor = 1.0f / std::sqrt(static_cast<float>(head_dim));

  const std::size_t panel_words = padded_keys * words + key_words * padded_dim;
  const std::size_t float_words = kQueryBlock * (padded_keys + padded_dim);
  const std::size_t number_words = kQueryBlock * (padded_keys / 2 + words) + width * words;
  Word* const key_panels = scratch.numbers<Word>(panel_words + float_words + number_words);
  Word* const value_panels = key_panels + padded_keys * words;
  auto* const scores = reinterpret_cast<float*>(key_panels + panel_words);
  float* const mixed = scores + kQueryBlock * padded_keys;
  auto* const shares = reinterpret_cast<BFloat16*>(key_panels + panel_words + float_words);
  BFloat16* const query_rows = shares + kQueryBlock * padded_keys;
  BFloat16* const rounded = query_rows + kQueryBlock * 2 * words;
  for (std::size_t head = 0; head < heads; ++head) {
    const std::size_t column = head * head_dim;
    PackKeys(k, column, head_dim, factor, rounded, key_panels);
    PackValues(v, column, head_dim, padded_dim, rounded, value_panels);
    for (std::size_t first = 0; first < queries; first += kQueryBlock) {
      const std::size_t rows = std::min(kQueryBlock, queries - first);
      RoundRows(q, first, rows, column, head_dim, 1.0f, query_rows, 2 * words);
      Product(fast, query_rows, rows, 2 * words, key_panels, words, padded_keys / width, scores, padded_keys);
      float inverse[kQueryBlock];
      for (std::size_t r = 0; r < rows; ++r) {
        inverse[r] = ExpOfRow(scores + r * padded_keys, keys, padded_keys, shares + r * padded_keys);
      }
      Product(fast, shares, rows, padded_keys, value_panels, key_words, padded_dim / width, mixed, padded_dim);
      for (std::size_t r = 0; r < rows; ++r) {
        Number* to = out + (first + r) * heads * head_dim + column;
        for (std::size_t i = 0; i < head_dim; ++i) to[i] = rounded_to<Number>(mixed[r * padded_dim + i] * inverse[r]);
        if (weights == nullptr) continue;
        float* share = weights + (head * queries + first + r) * keys;
        for (std::size_t i = 0; i < keys; ++i) share[i] = scores[r * padded_keys + i] * inverse[r];
      }
    }
  }
}

void AttentionToBfloat16(bool fast, const ScaledHeadRows& q, const ScaledHeadRows& k, const ScaledHeadRows& v,
                         AttentionSizes sizes, BFloat16* out, float* weights, Scratch& scratch) {
  Attend(fast, q, k, v, sizes, out, weights, scratch);
}

void AttentionToFloats(bool fast, const ScaledHeadRows& q, const ScaledHeadRows& k, const ScaledHeadRows& v,
                       AttentionSizes sizes, float* out, float* weights, Scratch& scratch) {
  Attend(fast, q, k, v, sizes, out, weights, scratch);
}

}  // namespace HWY_NAMESPACE
}  // namespace hipt::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hipt::kernels {

HWY_EXPORT(AttentionToBfloat16);
HWY_EXPORT(AttentionToFloats);

void attention_bfloat16(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes, BFloat16* out,
                        float* weights, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(AttentionToBfloat16)(has_fast_bfloat16(), q, k, v, sizes, out, weights, scratch);
}

void attention_bfloat16(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes, float* out,
                        float* weights, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(AttentionToFloats)(has_fast_bfloat16(), q, k, v, sizes, out, weights, scratch);
}

}  // namespace hipt::kernels
#endif
