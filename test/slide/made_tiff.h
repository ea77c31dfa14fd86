#pragma once
// Small tiled TIFFs made by the tests, with the faults they need.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "hipt/image/image.h"

namespace hipt::test {

// One page of tiles, generic-tiff to OpenSlide. Pixels are those of formula_image("tiff", "page").
struct MadeTiff {
  int width = 300;
  int height = 200;
  int tile_side = 64;
  int compression = 7;  // 7: each tile a JPEG of its own; 1: none
  int photometric = 6;  // 6: YCbCr, 2: RGB
  int orientation = 1;
  int samples = 3;
  // Called for the bytes of each tile before they are written; empty ones are missing tiles.
  std::function<void(int tile, std::vector<std::byte>& bytes)> change;
};

image::RgbImage pixels_of(const MadeTiff& tiff);
void write_tiff(const std::filesystem::path& file, const MadeTiff& tiff);

// The same pixels written by libtiff, which knows more ways to compress. JPEGs share their tables.
struct LibtiffWay {
  int compression = 5;    // 5: LZW, 8: deflate, 7: JPEG (YCbCr), 1: none
  int predictor = 1;      // 2: differences along rows (LZW and deflate)
  int chroma_across = 1;  // 2: half the chroma samples along rows (JPEG)
  int chroma_down = 1;
};
void write_by_libtiff(const std::filesystem::path& file, const MadeTiff& tiff, const LibtiffWay& way);

}  // namespace hipt::test
