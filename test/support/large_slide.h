#pragma once
// Slides far larger than their files, to see what size costs.

#include <cstdint>
#include <filesystem>

namespace hipt::test {

// Discs of tissue on glass, in parts of the slide's side.
struct Disc {
  double x;
  double y;
  double radius;
};
inline constexpr Disc kLargeSlideDiscs[] = {{0.3, 0.35, 0.18}, {0.7, 0.6, 0.2}, {0.25, 0.8, 0.1}};

// Writes a TIFF of side x side pixels with one level, 0.5 um a pixel, in JPEG tiles of 256 px: a tile is tissue where
// its centre lies in a disc. Tiles share the bytes of a few JPEGs, so that 100,000 x 100,000 pixels take about 1 MB.
void write_large_slide(const std::filesystem::path& file, std::int64_t side);

}  // namespace hipt::test
