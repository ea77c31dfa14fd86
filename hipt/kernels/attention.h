#pragma once

#include <cstdint>

#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

// Rows of heads * head_dim floats, `stride` floats apart: the queries, keys or values of all heads.
struct HeadRows {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t stride = 0;
  const float* bias = nullptr;  // [heads * head_dim], added to every row as it is read; null for none
};

struct AttentionSizes {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
};

// Scaled dot-product attention of every head (Vaswani et al. 2017): softmax(q k^T / sqrt(head_dim)) v, written to
// out [q.rows, heads * head_dim] before the output projection. k and v have the same number of rows, at least one.
// Only a few rows of scores are in memory at a time; `weights`, when not null, receives all: [heads, q.rows, k.rows].
void attention(HeadRows q, HeadRows k, HeadRows v, AttentionSizes sizes, float* out, float* weights, Scratch& scratch);
void attention_reference(HeadRows q, HeadRows k, HeadRows v, AttentionSizes sizes, float* out, float* weights);

}  // namespace hipt::kernels
