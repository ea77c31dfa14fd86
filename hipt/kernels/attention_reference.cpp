#include <algorithm>
#include <cmath>
#include <vector>

#include "hipt/kernels/attention.h"

namespace hipt::kernels {
namespace {

double element(const HeadRows& rows, std::int64_t row, std::int64_t column) {
  return double{rows.data[row * rows.stride + column]} + (rows.bias == nullptr ? 0.0 : double{rows.bias[column]});
}

}  // namespace

void attention_reference(HeadRows q, HeadRows k, HeadRows v, AttentionSizes sizes, float* out, float* weights) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(sizes.head_dim));
  std::vector<double> share(static_cast<std::size_t>(k.rows));
  for (std::int64_t head = 0; head < sizes.heads; ++head) {
    const std::int64_t column = head * sizes.head_dim;
    for (std::int64_t query = 0; query < q.rows; ++query) {
      for (std::int64_t key = 0; key < k.rows; ++key) {
        double dot = 0.0;
        for (std::int64_t d = 0; d < sizes.head_dim; ++d) {
          dot += element(q, query, column + d) * element(k, key, column + d);
        }
        share[static_cast<std::size_t>(key)] = dot * scale;
      }
      const double largest = *std::max_element(share.begin(), share.end());
      double sum = 0.0;
      for (double& value : share) sum += value = std::exp(value - largest);
      for (std::int64_t d = 0; d < sizes.head_dim; ++d) {
        double mixed = 0.0;
        for (std::int64_t key = 0; key < k.rows; ++key) {
          mixed += share[static_cast<std::size_t>(key)] / sum * element(v, key, column + d);
        }
        out[query * sizes.heads * sizes.head_dim + column + d] = static_cast<float>(mixed);
      }
      if (weights != nullptr) {
        for (const double value : share) *weights++ = static_cast<float>(value / sum);
      }
    }
  }
}

}  // namespace hipt::kernels
