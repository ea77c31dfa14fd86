#include "test/support/large_slide.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "hipt/base/formula.h"
#include "hipt/image/jpeg.h"
#include "hipt/io/byte_file.h"

namespace hipt::test {
namespace {

constexpr std::int64_t kTile = 256;
constexpr int kQuality = 75;
constexpr std::size_t kTissueTiles = 4;  // different ones

static_assert(std::endian::native == std::endian::little, "the file is written as this machine's words");

std::vector<std::byte> jpeg_of(const std::vector<std::uint8_t>& rgb) {
  return image::encode_jpeg({rgb.data(), kTile, kTile, std::ptrdiff_t{3} * kTile}, kQuality);
}

std::vector<std::byte> glass_tile() {
  return jpeg_of(std::vector<std::uint8_t>(static_cast<std::size_t>(kTile * kTile * 3), 243));
}

// Stained tissue: about (180, 110, 170), rough.
std::vector<std::byte> tissue_tile(std::size_t number) {
  constexpr int kBase[] = {180, 110, 170};
  std::vector<std::uint8_t> rgb = formula_image("large slide", std::to_string(number), kTile, kTile);
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(kBase[i % 3] + rgb[i] / 8 - 16);
  return jpeg_of(rgb);
}

bool is_tissue(double x, double y) {
  return std::ranges::any_of(kLargeSlideDiscs, [&](const Disc& disc) {
    return (x - disc.x) * (x - disc.x) + (y - disc.y) * (y - disc.y) <= disc.radius * disc.radius;
  });
}

class TiffWriter {
 public:
  explicit TiffWriter(const std::filesystem::path& file) : bytes_(file) {
    bytes_.write(std::string_view("II*\0\0\0\0\0", 8));  // the place of the directory follows at the end
  }

  // Gives the place of what it wrote.
  template <class T>
  std::uint32_t write(const std::vector<T>& values) {
    if (bytes_.position() % 2 != 0) bytes_.write(std::string_view("\0", 1));
    const auto place = static_cast<std::uint32_t>(bytes_.position());
    bytes_.write(std::as_bytes(std::span(values)));
    return place;
  }

  struct Entry {
    std::uint16_t tag;
    std::uint16_t type;  // 3: 16 bits, 4: 32 bits, 5: two words
    std::uint32_t count;
    std::uint32_t value;  // or its place
  };

  void finish(const std::vector<Entry>& entries) {
    const std::uint32_t place = write(std::vector<std::uint16_t>{static_cast<std::uint16_t>(entries.size())});
    bytes_.write(std::as_bytes(std::span(entries)));
    bytes_.write(std::string_view("\0\0\0\0", 4));
    bytes_.patch(4, std::string_view(reinterpret_cast<const char*>(&place), 4));
    bytes_.close();
  }

 private:
  io::ByteWriter bytes_;
};
static_assert(sizeof(TiffWriter::Entry) == 12);

}  // namespace

void write_large_slide(const std::filesystem::path& file, std::int64_t side) {
  TiffWriter tiff(file);
  std::vector<std::vector<std::byte>> jpegs = {glass_tile()};
  for (std::size_t number = 0; number < kTissueTiles; ++number) jpegs.push_back(tissue_tile(number));
  std::vector<std::uint32_t> places;
  for (const std::vector<std::byte>& jpeg : jpegs) places.push_back(tiff.write(jpeg));

  const std::int64_t across = (side + kTile - 1) / kTile;
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint32_t> counts;
  for (std::int64_t y = 0; y < across; ++y) {
    for (std::int64_t x = 0; x < across; ++x) {
      const auto middle = [&](std::int64_t tile) {
        return (static_cast<double>(tile) + 0.5) * static_cast<double>(kTile) / static_cast<double>(side);
      };
      const std::size_t jpeg =
          is_tissue(middle(x), middle(y)) ? 1 + static_cast<std::size_t>(7 * x + 13 * y) % kTissueTiles : 0;
      offsets.push_back(places[jpeg]);
      counts.push_back(static_cast<std::uint32_t>(jpegs[jpeg].size()));
    }
  }
  const auto tiles = static_cast<std::uint32_t>(offsets.size());
  const auto length = static_cast<std::uint32_t>(side);
  const std::uint32_t bits = tiff.write(std::vector<std::uint16_t>{8, 8, 8});
  const std::uint32_t resolution = tiff.write(std::vector<std::uint32_t>{20000, 1});  // a centimetre
  const std::uint32_t offsets_place = tiff.write(offsets);
  const std::uint32_t counts_place = tiff.write(counts);
  tiff.finish({{256, 4, 1, length},
               {257, 4, 1, length},
               {258, 3, 3, bits},
               {259, 3, 1, 7},  // JPEG
               {262, 3, 1, 6},  // YCbCr
               {277, 3, 1, 3},
               {282, 5, 1, resolution},
               {283, 5, 1, resolution},
               {284, 3, 1, 1},
               {296, 3, 1, 3},
               {322, 4, 1, kTile},
               {323, 4, 1, kTile},
               {324, 4, tiles, offsets_place},
               {325, 4, tiles, counts_place},
               {530, 3, 2, 2 | 2 << 16}});  // chroma halved both ways
}

}  // namespace hipt::test
