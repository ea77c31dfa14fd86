#pragma once
// The tiles of a TIFF, decoded one by one from many threads.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "hipt/image/jpeg_tile.h"

namespace hipt::image {

// One page that consists of tiles.
struct TiledPage {
  std::int64_t width = 0;        // px
  std::int64_t height = 0;       // px
  std::int64_t tile_width = 0;   // px
  std::int64_t tile_height = 0;  // px
  std::string unreadable;        // why its tiles are not decoded here; empty: they are

  std::int64_t tiles_across() const { return (width + tile_width - 1) / tile_width; }
  std::int64_t tiles_down() const { return (height + tile_height - 1) / tile_height; }
};

// Decodes 8-bit RGB and YCbCr tiles in JPEG, and 8-bit RGB ones that are not compressed, LZW or deflate; samples
// interleaved, rows from the top, no tile missing. Every call is safe from many threads.
class TiledTiff {
 public:
  // Throws NotFound, Io or Corrupt, naming the file.
  explicit TiledTiff(const std::filesystem::path& file);
  ~TiledTiff();

  // In the order of the file, without those in strips.
  const std::vector<TiledPage>& pages() const { return pages_; }

  // A whole tile of a readable page as RGB, also where it hangs over the border; the target has its size. Throws
  // Corrupt naming the tile, or Io. The message does not name the file.
  void read_tile(std::size_t page, std::int64_t column, std::int64_t row, const TileTarget& target) const;

 private:
  struct File;
  struct Page;

  std::unique_ptr<File> file_;
  std::vector<TiledPage> pages_;
  std::vector<std::unique_ptr<Page>> details_;  // of pages_
};

}  // namespace hipt::image
