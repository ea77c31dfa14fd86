#pragma once
// read -> decode -> encode -> hand over in order. Reading overlaps with inference through a bounded queue; memory is
// bounded by the pixels in flight, not by the number of tiles.

#include <cstdint>
#include <functional>
#include <span>

#include "hipt/base/run_context.h"
#include "hipt/encode/patch_encoder.h"
#include "hipt/image/image.h"

namespace hipt::encode {

// A tile is what one row of coordinates names: a patch (patch_px == its side) or a region of several patches.
struct TileStream {
  std::int64_t count = 0;                             // tiles
  int tile_px = 256;                                  // side of a tile, a multiple of patch_px
  int patch_px = 256;                                 // side of a patch
  std::function<image::RgbImage(std::int64_t)> read;  // pixels of tile i; called from reader threads
  // Called once a tile, in the order of the tiles, never from two threads at once, with the features of its patches
  // [patches, dim] row by row.
  std::function<void(std::int64_t, std::span<const float>)> consume;
  // Work on a finished tile that needs no order (ViT-4096); called from the pool before `consume`. May be empty. What
  // it returns is given to `consume` behind the patches' features.
  std::function<void(std::span<const float> features, std::span<float> extra)> finish;
  std::size_t extra_dim = 0;  // floats that `finish` writes

  // Bytes that a `read` holds while it runs, where that is more than the tile: a region of 4096 px at half of a slide's
  // magnification is 8192 px before it is reduced.
  std::int64_t read_bytes = 0;
  // No tile is read while those in flight hold more pixels than this (one tile is always let through).
  std::int64_t most_bytes = std::int64_t{1} << 30;

  std::int64_t tile_bytes() const { return std::int64_t{3} * tile_px * tile_px; }
  std::int64_t patches_per_tile() const { return std::int64_t{tile_px / patch_px} * (tile_px / patch_px); }
};

// Throws the first error of reading, encoding or consuming, or Error Cancelled; every thread has ended by then.
// Advances the progress by patches.
void run_pipeline(const TileStream& stream, const PatchEncoder& encoder, RunContext& context);

}  // namespace hipt::encode
