#pragma once
// The JPEG tiles of a TIFF.

#include <cstddef>
#include <cstdint>
#include <span>

namespace hipt::image {

// What the three components of a tile are. The TIFF says so (its photometric interpretation), whatever the JPEG says.
enum class TileColours { Rgb, YCbCr };

// Where the pixels go: rows of `width` interleaved RGB pixels, `row_bytes` apart.
struct TileTarget {
  std::uint8_t* rgb = nullptr;
  int width = 0;
  int height = 0;
  std::size_t row_bytes = 0;
};

// `tables` is the TIFF's tag JPEGTables, empty when each tile brings its own. The accurate transform and smooth chroma
// upsampling, as OpenSlide decodes. Safe from many threads. Throws Corrupt when the tile has another size than the
// target, is damaged or ends early (OpenSlide makes up the pixels that are then missing).
void decode_jpeg_tile(std::span<const std::byte> tables, std::span<const std::byte> jpeg, TileColours colours,
                      const TileTarget& target);

}  // namespace hipt::image
