#pragma once
// Position embeddings for a grid other than the trained one, as published (HIPT_4K/vision_transformer.py,
// interpolate_pos_encoding; spelt out in docs/parity.md).

#include "hipt/base/array.h"
#include "hipt/vit/config.h"
#include "hipt/vit/grid.h"

namespace hipt::vit {

// pos_embed [1, 1 + trained * trained, dim] to [1 + rows * cols, dim], class token first (its row is kept as it is).
// The trained grid itself is returned unchanged; any other is resized by cubic convolution.
Array positions_for_grid(const Array& pos_embed, std::int64_t trained_grid, Grid grid);

}  // namespace hipt::vit
