#pragma once
// Tiles of TIFF slides decoded without OpenSlide, which spends most of a read in compositing them: five times as fast.

#include <memory>

#include "hipt/slide/slide.h"

namespace hipt::slide {

// `slide`, opened by OpenSlide, with another way to its pixels; everything else stays OpenSlide's. The pixels are
// equal, bit for bit. They are read here where
// - the format is aperio or generic-tiff, and the level is the only page of tiles of its size;
// - image::TiledTiff decodes that page, and the file has all its tiles;
// - the place falls on a pixel of the level (elsewhere OpenSlide blends its neighbours).
// Other levels and reads go through OpenSlide. Damaged tiles are Corrupt here, naming the tile, where OpenSlide lets
// some pass. Tiles that lie wholly inside a read are decoded straight to their place; of those that it cuts, each open
// slide keeps the last used, kTileCacheBytes of them at most (so a process with n open slides: n times as many).
// Auto gives `slide` itself when no level can be read here; Tiff throws Unsupported, naming level and reason, when one
// of them cannot.
std::shared_ptr<Slide> with_tiff_tiles(std::shared_ptr<Slide> slide, ReaderChoice choice);

inline constexpr std::size_t kTileCacheBytes = std::size_t{32} << 20;  // as OpenSlide's: a row of 170 tiles of 256 px

}  // namespace hipt::slide
