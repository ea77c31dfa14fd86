#include "test/slide/made_tiff.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <tiffio.h>

#include "hipt/base/formula.h"
#include "hipt/image/jpeg.h"

namespace hipt::test {
namespace {

constexpr std::uint16_t kShort = 3;
constexpr std::uint16_t kLong = 4;

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_entry(std::string& out, std::uint16_t tag, std::uint16_t type, std::uint32_t count, std::uint32_t value) {
  append(out, tag);
  append(out, type);
  append(out, count);
  append(out, value);
}

image::RgbImage tile_of(const image::RgbImage& picture, const MadeTiff& tiff, int column, int row) {
  image::RgbImage tile(tiff.tile_side, tiff.tile_side);
  for (int y = 0; y < tiff.tile_side; ++y) {
    for (int x = 0; x < tiff.tile_side; ++x) {
      const int from_x = std::min(column * tiff.tile_side + x, tiff.width - 1);
      const int from_y = std::min(row * tiff.tile_side + y, tiff.height - 1);
      std::memcpy(tile.row(y) + x * 3, picture.view().row(from_y) + from_x * 3, 3);
    }
  }
  return tile;
}

std::vector<std::byte> tile_bytes(const image::RgbImage& picture, const MadeTiff& tiff, int column, int row) {
  const image::RgbImage tile = tile_of(picture, tiff, column, row);
  if (tiff.compression == 7) return image::encode_jpeg(tile.view(), 80);
  const auto* bytes = reinterpret_cast<const std::byte*>(tile.data());
  return {bytes, bytes + tile.byte_size()};
}

}  // namespace

image::RgbImage pixels_of(const MadeTiff& tiff) {
  const std::vector<std::uint8_t> bytes = formula_image("tiff", "page", tiff.height, tiff.width);
  image::RgbImage picture(tiff.width, tiff.height);
  std::ranges::copy(bytes, picture.data());
  return picture;
}

void write_tiff(const std::filesystem::path& file, const MadeTiff& tiff) {
  const image::RgbImage picture = pixels_of(tiff);
  const int across = (tiff.width + tiff.tile_side - 1) / tiff.tile_side;
  const int down = (tiff.height + tiff.tile_side - 1) / tiff.tile_side;
  std::string out = "II*";
  out.append(5, '\0');
  std::string offsets;
  std::string counts;
  for (int tile = 0; tile < across * down; ++tile) {
    std::vector<std::byte> bytes = tile_bytes(picture, tiff, tile % across, tile / across);
    if (tiff.change) tiff.change(tile, bytes);
    append(offsets, static_cast<std::uint32_t>(bytes.empty() ? 0 : out.size()));
    append(counts, static_cast<std::uint32_t>(bytes.size()));
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  out.append(out.size() % 2, '\0');
  const auto bits_at = static_cast<std::uint32_t>(out.size());
  for (int i = 0; i < 4; ++i) append(out, std::uint16_t{8});
  const auto tiles = static_cast<std::uint32_t>(across * down);
  auto offsets_at = static_cast<std::uint32_t>(out.size());
  auto counts_at = static_cast<std::uint32_t>(out.size() + offsets.size());
  if (tiles == 1) {  // one number stands in the directory itself
    std::memcpy(&offsets_at, offsets.data(), 4);
    std::memcpy(&counts_at, counts.data(), 4);
  }
  out += offsets + counts;
  const auto directory_at = static_cast<std::uint32_t>(out.size());
  std::memcpy(out.data() + 4, &directory_at, 4);
  append(out, std::uint16_t{12});
  append_entry(out, 256, kLong, 1, static_cast<std::uint32_t>(tiff.width));
  append_entry(out, 257, kLong, 1, static_cast<std::uint32_t>(tiff.height));
  append_entry(out, 258, kShort, static_cast<std::uint32_t>(tiff.samples), bits_at);
  append_entry(out, 259, kShort, 1, static_cast<std::uint32_t>(tiff.compression));
  append_entry(out, 262, kShort, 1, static_cast<std::uint32_t>(tiff.photometric));
  append_entry(out, 274, kShort, 1, static_cast<std::uint32_t>(tiff.orientation));
  append_entry(out, 277, kShort, 1, static_cast<std::uint32_t>(tiff.samples));
  append_entry(out, 284, kShort, 1, 1);
  append_entry(out, 322, kShort, 1, static_cast<std::uint32_t>(tiff.tile_side));
  append_entry(out, 323, kShort, 1, static_cast<std::uint32_t>(tiff.tile_side));
  append_entry(out, 324, kLong, tiles, offsets_at);
  append_entry(out, 325, kLong, tiles, counts_at);
  append(out, std::uint32_t{0});
  std::ofstream(file, std::ios::binary) << out;
}

void write_by_libtiff(const std::filesystem::path& file, const MadeTiff& tiff, const LibtiffWay& way) {
  const image::RgbImage picture = pixels_of(tiff);
  const std::unique_ptr<TIFF, decltype(&TIFFClose)> out(TIFFOpen(file.c_str(), "w"), &TIFFClose);
  if (!out) throw std::runtime_error("libtiff cannot write " + file.string());
  const bool jpeg = way.compression == COMPRESSION_JPEG;
  TIFFSetField(out.get(), TIFFTAG_IMAGEWIDTH, tiff.width);
  TIFFSetField(out.get(), TIFFTAG_IMAGELENGTH, tiff.height);
  TIFFSetField(out.get(), TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(out.get(), TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(out.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(out.get(), TIFFTAG_COMPRESSION, way.compression);
  TIFFSetField(out.get(), TIFFTAG_PHOTOMETRIC, jpeg ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB);
  TIFFSetField(out.get(), TIFFTAG_TILEWIDTH, tiff.tile_side);
  TIFFSetField(out.get(), TIFFTAG_TILELENGTH, tiff.tile_side);
  if (jpeg) {
    TIFFSetField(out.get(), TIFFTAG_YCBCRSUBSAMPLING, way.chroma_across, way.chroma_down);
    TIFFSetField(out.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  } else if (way.predictor != 1) {
    TIFFSetField(out.get(), TIFFTAG_PREDICTOR, way.predictor);
  }
  const int across = (tiff.width + tiff.tile_side - 1) / tiff.tile_side;
  const int down = (tiff.height + tiff.tile_side - 1) / tiff.tile_side;
  for (int tile = 0; tile < across * down; ++tile) {
    image::RgbImage pixels = tile_of(picture, tiff, tile % across, tile / across);
    const auto bytes = static_cast<tmsize_t>(pixels.byte_size());
    if (TIFFWriteEncodedTile(out.get(), static_cast<std::uint32_t>(tile), pixels.data(), bytes) != bytes) {
      throw std::runtime_error("libtiff cannot write a tile of " + file.string());
    }
  }
}

}  // namespace hipt::test
