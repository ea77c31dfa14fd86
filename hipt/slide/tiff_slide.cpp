#include "hipt/slide/tiff_slide.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/image/read.h"
#include "hipt/image/tiled_tiff.h"
#include "hipt/slide/tile_cache.h"

namespace hipt::slide {
namespace {

// Where OpenSlide cuts large regions.
constexpr std::int64_t kOpenSlideBlock = 4096;

// The page of a level, or why there is none.
struct LevelPage {
  std::optional<std::size_t> page;
  std::string why_not;
};

LevelPage find_page(const std::vector<image::TiledPage>& pages, Size level) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (Size{pages[i].width, pages[i].height} != level) continue;
    if (found) return {std::nullopt, "several pages of tiles have its size"};
    found = i;
  }
  if (!found) return {std::nullopt, "no page of tiles has its size"};
  const image::TiledPage& page = pages[*found];
  if (!page.unreadable.empty()) return {std::nullopt, page.unreadable};
  if (static_cast<std::size_t>(page.tile_width * page.tile_height) * 3 > kTileCacheBytes) {
    return {std::nullopt, "its tiles are too large"};
  }
  return {found, {}};
}

// Whole number of level pixels, computed as OpenSlide computes it; nothing between pixels.
std::optional<std::int64_t> pixel_at(std::int64_t level0, double downsample) {
  const double pixel = static_cast<double>(level0) / downsample;
  return pixel == std::floor(pixel) ? std::optional(static_cast<std::int64_t>(pixel)) : std::nullopt;
}

class TiffSlide final : public Slide {
 public:
  TiffSlide(std::shared_ptr<Slide> slide, std::unique_ptr<const image::TiledTiff> tiff, std::vector<LevelPage> pages)
      : slide_(std::move(slide)), tiff_(std::move(tiff)), pages_(std::move(pages)) {
    take_facts_of(*slide_);
    reader_ += " and tiff";
  }

  image::RgbImage read_associated_image(const std::string& name) const override {
    return slide_->read_associated_image(name);
  }

 private:
  void read_into(Level0Point origin, int level, Size size, std::uint8_t* rgb) const override;
  void read_tiles(std::size_t page, std::int64_t left, std::int64_t top, Size size, std::uint8_t* rgb) const;

  std::shared_ptr<Slide> slide_;
  std::unique_ptr<const image::TiledTiff> tiff_;
  std::vector<LevelPage> pages_;  // of each level
  mutable TileCache cache_{kTileCacheBytes};
};

void TiffSlide::read_into(Level0Point origin, int level, Size size, std::uint8_t* rgb) const {
  const auto index = static_cast<std::size_t>(level);
  const double downsample = levels_[index].downsample;
  // Behind the first block OpenSlide itself falls between pixels when the downsample is not whole.
  const bool one_block = downsample == std::floor(downsample) || std::max(size.width, size.height) <= kOpenSlideBlock;
  const std::optional<std::int64_t> left = pixel_at(origin.x, downsample);
  const std::optional<std::int64_t> top = pixel_at(origin.y, downsample);
  if (!pages_[index].page || !one_block || !left || !top) return read_with(*slide_, origin, level, size, rgb);
  read_tiles(*pages_[index].page, *left, *top, size, rgb);
}

void TiffSlide::read_tiles(std::size_t page, std::int64_t left, std::int64_t top, Size size, std::uint8_t* rgb) const {
  const image::TiledPage& facts = tiff_->pages()[page];
  const std::int64_t first_x = std::max<std::int64_t>(left, 0);
  const std::int64_t first_y = std::max<std::int64_t>(top, 0);
  const std::int64_t end_x = std::min(left + size.width, facts.width);
  const std::int64_t end_y = std::min(top + size.height, facts.height);
  if (first_x >= end_x || first_y >= end_y) return;
  const std::size_t tile_row_bytes = static_cast<std::size_t>(facts.tile_width) * 3;
  const std::size_t tile_bytes = tile_row_bytes * static_cast<std::size_t>(facts.tile_height);
  for (std::int64_t row = first_y / facts.tile_height; row * facts.tile_height < end_y; ++row) {
    for (std::int64_t column = first_x / facts.tile_width; column * facts.tile_width < end_x; ++column) {
      const auto number = static_cast<std::uint64_t>(row * facts.tiles_across() + column);
      const auto tile = cache_.get(std::uint64_t{page} << 32 | number, tile_bytes, [&](std::uint8_t* pixels) {
        tiff_->read_tile(
            page, column, row,
            {pixels, static_cast<int>(facts.tile_width), static_cast<int>(facts.tile_height), tile_row_bytes});
      });
      const std::int64_t from_x = std::max(first_x, column * facts.tile_width);
      const std::int64_t to_x = std::min(end_x, (column + 1) * facts.tile_width);
      const std::int64_t to_y = std::min(end_y, (row + 1) * facts.tile_height);
      for (std::int64_t y = std::max(first_y, row * facts.tile_height); y < to_y; ++y) {
        std::memcpy(
            rgb + ((y - top) * size.width + from_x - left) * 3,
            tile.get() + ((y - row * facts.tile_height) * facts.tile_width + from_x - column * facts.tile_width) * 3,
            static_cast<std::size_t>(to_x - from_x) * 3);
      }
    }
  }
}

std::string why_not_this_file(const Slide& slide) {
  if (slide.format() == "aperio" || slide.format() == "generic-tiff") return {};
  return fmt::format("format {}", slide.format());
}

[[noreturn]] void refuse(const Slide& slide, std::string_view reason) {
  throw Error(ErrorCode::Unsupported,
              fmt::format("{}: the reader tiff cannot read it: {}; the readers auto and openslide can",
                          slide.path().string(), reason));
}

}  // namespace

std::shared_ptr<Slide> with_tiff_tiles(std::shared_ptr<Slide> slide, ReaderChoice choice) {
  const bool forced = choice == ReaderChoice::Tiff;
  if (const std::string reason = why_not_this_file(*slide); !reason.empty()) {
    if (forced) refuse(*slide, reason);
    return slide;
  }
  std::vector<LevelPage> pages;
  try {
    auto tiff = std::make_unique<const image::TiledTiff>(slide->path());
    for (const Level& level : slide->levels()) pages.push_back(find_page(tiff->pages(), level.size));
    for (std::size_t i = 0; forced && i < pages.size(); ++i) {
      if (!pages[i].page) refuse(*slide, fmt::format("level {}: {}", i, pages[i].why_not));
    }
    if (std::ranges::none_of(pages, [](const LevelPage& level) { return level.page.has_value(); })) return slide;
    return std::make_shared<TiffSlide>(std::move(slide), std::move(tiff), std::move(pages));
  } catch (const Error&) {
    // A TIFF that only OpenSlide understands.
    if (forced) throw;
    return slide;
  }
}

}  // namespace hipt::slide
