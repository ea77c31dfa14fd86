#include "hipt/image/tiled_tiff.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"
#include "hipt/image/tiff_internal.h"

namespace hipt::image {
namespace {

constexpr std::size_t kMostPages = 10000;
constexpr std::int64_t kMostTiles = std::int64_t{1} << 31;
constexpr std::int64_t kMostTileSide = 1 << 14;  // px
// A JPEG of noise needs about 6 bytes a pixel; what is far beyond is no tile.
constexpr std::int64_t kMostBytesPerPixel = 64;
constexpr std::int64_t kMostHeaderBytes = 1 << 20;

template <class T>
T tag_of(TIFF* tiff, std::uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

struct Tables {
  std::vector<std::byte> bytes;

  explicit Tables(TIFF* tiff) {
    std::uint32_t count = 0;
    const void* data = nullptr;
    if (TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &count, &data) != 1 || data == nullptr) return;
    const auto* first = static_cast<const std::byte*>(data);
    bytes.assign(first, first + count);
  }
};

// Why tiles of this page are not decoded here, from its tags; empty when they are.
std::string why_unreadable(TIFF* tiff, const TiledPage& page) {
  const auto compression = tag_of<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  const auto photometric = tag_of<std::uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  constexpr std::array kByLibtiff = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE};
  const bool jpeg = compression == COMPRESSION_JPEG;
  if (!jpeg && std::ranges::count(kByLibtiff, compression) == 0) return fmt::format("compression {}", compression);
  if (photometric != PHOTOMETRIC_RGB && !(jpeg && photometric == PHOTOMETRIC_YCBCR)) {
    return fmt::format("photometric interpretation {}", photometric);
  }
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1) != 3) return "not 3 samples a pixel";
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1) != 8) return "not 8 bits a sample";
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT) != SAMPLEFORMAT_UINT) {
    return "samples that are no unsigned numbers";
  }
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) != PLANARCONFIG_CONTIG) {
    return "planes of samples";
  }
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) != ORIENTATION_TOPLEFT) {
    return "rows that do not start at the top left";
  }
  if (tag_of<std::uint16_t>(tiff, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) != FILLORDER_MSB2LSB) return "reversed bits";
  if (tag_of<std::uint32_t>(tiff, TIFFTAG_IMAGEDEPTH, 1) != 1 ||
      tag_of<std::uint32_t>(tiff, TIFFTAG_TILEDEPTH, 1) != 1) {
    return "more than one plane in depth";
  }
  if (std::max(page.tile_width, page.tile_height) > kMostTileSide) return "tiles too large";
  return {};
}

TiledPage tiled_page_of(TIFF* tiff) {
  TiledPage page;
  page.width = tag_of<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0);
  page.height = tag_of<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0);
  page.tile_width = tag_of<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0);
  page.tile_height = tag_of<std::uint32_t>(tiff, TIFFTAG_TILELENGTH, 0);
  if (std::min({page.width, page.height, page.tile_width, page.tile_height}) <= 0) {
    page.unreadable = "no pixels";
  } else if (page.tiles_across() > kMostTiles / page.tiles_down()) {
    page.unreadable = "too many tiles";
  }
  return page;
}

}  // namespace

struct TiledTiff::File {
  std::filesystem::path path;
  std::int64_t bytes = 0;
  int descriptor = -1;

  explicit File(const std::filesystem::path& file)
      : path(file), bytes(picture_file_bytes(file)), descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor < 0) throw Error(ErrorCode::Io, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void read(std::int64_t offset, std::span<std::byte> target) const {
    std::size_t done = 0;
    while (done < target.size()) {
      const ssize_t got = pread(descriptor, target.data() + done, target.size() - done,
                                static_cast<off_t>(offset + static_cast<std::int64_t>(done)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw Error(ErrorCode::Io, fmt::format("reading failed: {}", std::strerror(errno)));
      if (got == 0) throw Error(ErrorCode::Corrupt, "the file ends before it");
      done += static_cast<std::size_t>(got);
    }
  }
};

struct TiledTiff::Page {
  Page(TIFF* tiff, TiledPage& page)
      : directory(TIFFCurrentDirectory(tiff)),
        compression(tag_of<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE)),
        colours(tag_of<std::uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB) == PHOTOMETRIC_YCBCR
                    ? TileColours::YCbCr
                    : TileColours::Rgb) {
    if (page.unreadable.empty()) page.unreadable = why_unreadable(tiff, page);
    if (!page.unreadable.empty()) return;
    const auto count = static_cast<std::size_t>(page.tiles_across() * page.tiles_down());
    const std::uint64_t* all_offsets = nullptr;
    const std::uint64_t* all_counts = nullptr;
    if (TIFFNumberOfTiles(tiff) != count || TIFFGetField(tiff, TIFFTAG_TILEOFFSETS, &all_offsets) != 1 ||
        TIFFGetField(tiff, TIFFTAG_TILEBYTECOUNTS, &all_counts) != 1 || all_offsets == nullptr ||
        all_counts == nullptr) {
      page.unreadable = "no table of tiles";
      return;
    }
    if (std::count(all_counts, all_counts + count, 0) > 0 || std::count(all_offsets, all_offsets + count, 0) > 0) {
      page.unreadable = "missing tiles";
      return;
    }
    offsets.assign(all_offsets, all_offsets + count);
    byte_counts.assign(all_counts, all_counts + count);
    tables = Tables(tiff).bytes;
  }

  tdir_t directory;
  int compression;
  TileColours colours;
  std::vector<std::uint64_t> offsets;  // of each tile, bytes from the start of the file
  std::vector<std::uint64_t> byte_counts;
  std::vector<std::byte> tables;

  // Tiles that libtiff decodes: one handle for each thread that is at it. They wait here.
  std::mutex mutex;
  std::vector<std::unique_ptr<TiffFile>> idle;

  std::unique_ptr<TiffFile> take(const std::filesystem::path& path) {
    {
      const std::scoped_lock lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<TiffFile> file = std::move(idle.back());
        idle.pop_back();
        return file;
      }
    }
    auto file = std::make_unique<TiffFile>(path);
    if (TIFFSetDirectory(file->get(), directory) != 1) throw_tiff_error(file->failure(), "the page is gone");
    file->failure().decoding = true;
    return file;
  }

  void give_back(std::unique_ptr<TiffFile> file) {
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(file));
  }

  void read_by_libtiff(const std::filesystem::path& path, std::size_t tile, const TileTarget& target) {
    std::unique_ptr<TiffFile> file = take(path);
    const std::size_t row_bytes = static_cast<std::size_t>(target.width) * 3;
    const std::size_t bytes = row_bytes * static_cast<std::size_t>(target.height);
    if (static_cast<std::size_t>(TIFFTileSize(file->get())) != bytes) {
      throw Error(ErrorCode::Corrupt, "its size in bytes is not that of its pixels");
    }
    // libtiff would take the rest from the next tile.
    if (compression == COMPRESSION_NONE && byte_counts[tile] < bytes) {
      throw Error(ErrorCode::Corrupt, fmt::format("{} bytes of {}", byte_counts[tile], bytes));
    }
    std::vector<std::uint8_t> packed(target.row_bytes == row_bytes ? 0 : bytes);
    std::uint8_t* const out = packed.empty() ? target.rgb : packed.data();
    const tmsize_t got =
        TIFFReadEncodedTile(file->get(), static_cast<std::uint32_t>(tile), out, static_cast<tmsize_t>(bytes));
    // A handle that failed is not used again.
    if (got != static_cast<tmsize_t>(bytes) || file->failure().happened()) {
      throw_tiff_error(file->failure(), "it is too short");
    }
    give_back(std::move(file));
    for (int y = 0; !packed.empty() && y < target.height; ++y) {
      std::memcpy(target.rgb + static_cast<std::size_t>(y) * target.row_bytes,
                  packed.data() + static_cast<std::size_t>(y) * row_bytes, row_bytes);
    }
  }
};

TiledTiff::TiledTiff(const std::filesystem::path& file) : file_(std::make_unique<File>(file)) {
  with_context(file.string(), [&] {
    const TiffFile tiff(file);
    std::size_t seen = 0;
    do {
      if (TIFFIsTiled(tiff.get()) == 0) continue;
      TiledPage page = tiled_page_of(tiff.get());
      details_.push_back(std::make_unique<Page>(tiff.get(), page));
      pages_.push_back(std::move(page));
    } while (++seen < kMostPages && TIFFReadDirectory(tiff.get()) == 1);
  });
}

TiledTiff::~TiledTiff() = default;

void TiledTiff::read_tile(std::size_t page, std::int64_t column, std::int64_t row, const TileTarget& target) const {
  with_context(fmt::format("tile ({}, {})", column, row), [&] {
    const TiledPage& facts = pages_.at(page);
    Page& details = *details_[page];
    const auto tile = static_cast<std::size_t>(row * facts.tiles_across() + column);
    if (target.width != facts.tile_width || target.height != facts.tile_height || column < 0 ||
        column >= facts.tiles_across() || row < 0 || tile >= details.offsets.size()) {
      throw Error(ErrorCode::InvalidArgument, "no such tile");
    }
    const std::uint64_t offset = details.offsets[tile];
    const std::uint64_t bytes = details.byte_counts[tile];
    const auto file_bytes = static_cast<std::uint64_t>(file_->bytes);
    if (offset > file_bytes || bytes > file_bytes - offset) {
      throw Error(ErrorCode::Corrupt,
                  fmt::format("{} bytes from {} in a file of {}: the file is cut short", bytes, offset, file_bytes));
    }
    if (bytes >
        static_cast<std::uint64_t>(facts.tile_width * facts.tile_height * kMostBytesPerPixel + kMostHeaderBytes)) {
      throw Error(ErrorCode::Corrupt, fmt::format("{} bytes are too many for its pixels", bytes));
    }
    if (details.compression != COMPRESSION_JPEG) return details.read_by_libtiff(file_->path, tile, target);
    std::vector<std::byte> jpeg(static_cast<std::size_t>(bytes));
    file_->read(static_cast<std::int64_t>(offset), jpeg);
    decode_jpeg_tile(details.tables, jpeg, details.colours, target);
  });
}

}  // namespace hipt::image
