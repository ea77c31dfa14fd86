#pragma once

#include "hipt/kernels/attention.h"
#include "hipt/kernels/bfloat16.h"
#include "hipt/kernels/scratch.h"

namespace hipt::kernels {

// HeadRows on their way from a product in 8 bits: row r is scales[r] * data + bias. Null scales: as HeadRows.
struct ScaledHeadRows : HeadRows {
  const float* scales = nullptr;  // [rows]
};

// attention() whose products take bfloat16: queries, keys / sqrt(head_dim), values and exp(score - largest of the row)
// are rounded to it once each; sums and the softmax's statistics are float32. The rounded form of `out` is for the
// product that comes next. By AVX-512 BF16 where the machine has it (has_fast_bfloat16), elsewhere by float32 products
// of the same numbers.
void attention_bfloat16(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes, BFloat16* out,
                        float* weights, Scratch& scratch);
void attention_bfloat16(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes, float* out,
                        float* weights, Scratch& scratch);
// The same roundings by plain loops in double.
void attention_bfloat16_reference(ScaledHeadRows q, ScaledHeadRows k, ScaledHeadRows v, AttentionSizes sizes,
                                  float* out, float* weights);

}  // namespace hipt::kernels
