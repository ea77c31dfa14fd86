#include <algorithm>
#include <cmath>
#include <vector>

#include "hipt/kernels/attention_bfloat16.h"

namespace hipt::kernels {
namespace {

double rounded_element(const ScaledHeadRows& rows, std::int64_t row, std::int64_t column, float factor) {
  const float scale = rows.scales == nullptr ? 1.0f : rows.scales[row];
  const float bias = rows.bias == nullptr ? 0.0f : rows.bias[column];
  return double{to_float(to_bfloat16(std::fma(rows.data[row * rows.stride + column], scale, bias) * factor))};
}

}  // namespace

void attention_bfloat16_reference(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes,
                                  float* out, float* weights) {
  const float factor = 1.0f / std::sqrt(static_cast<float>(sizes.head_dim));
  std::vector<double> share(static_cast<std::size_t>(k.rows));
  for (std::int64_t head = 0; head < sizes.heads; ++head) {
    const std::int64_t column = head * sizes.head_dim;
    for (std::int64_t query = 0; query < q.rows; ++query) {
      for (std::int64_t key = 0; key < k.rows; ++key) {
        double dot = 0.0;
        for (std::int64_t d = 0; d < sizes.head_dim; ++d) {
          dot += rounded_element(q, query, column + d, 1.0f) * rounded_element(k, key, column + d, factor);
        }
        share[static_cast<std::size_t>(key)] = dot;
      }
      const double largest = *std::max_element(share.begin(), share.end());
      double sum = 0.0;
      for (double& value : share) sum += value = std::exp(value - largest);
      for (std::int64_t d = 0; d < sizes.head_dim; ++d) {
        double mixed = 0.0;
        for (std::int64_t key = 0; key < k.rows; ++key) {
          const float rounded = to_float(to_bfloat16(static_cast<float>(share[static_cast<std::size_t>(key)])));
          mixed += double{rounded} * rounded_element(v, key, column + d, 1.0f);
        }
        out[query * sizes.heads * sizes.head_dim + column + d] = static_cast<float>(mixed / sum);
      }
      if (weights != nullptr) {
        for (const double value : share) *weights++ = static_cast<float>(value / sum);
      }
    }
  }
}

}  // namespace hipt::kernels
