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

// Of a level, px; right and bottom are excluded.
struct Part {
  std::int64_t left, top, right, bottom;
  bool operator==(const Part&) const = default;
};

// Where pixels go: rows of interleaved RGB, `row_bytes` apart.
struct Rows {
  std::uint8_t* rgb;
  std::size_t row_bytes;
};

struct Place {
  std::int64_t column, row;  // of a tile
};

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
  // `common` is what the read wants of `tile`.
  void read_tile(std::size_t page, Place place, const Part& tile, const Part& common, const Rows& target) const;

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
  const Part part{std::max<std::int64_t>(left, 0), std::max<std::int64_t>(top, 0),
                  std::min(left + size.width, facts.width), std::min(top + size.height, facts.height)};
  if (part.left != left || part.top != top || part.right != left + size.width || part.bottom != top + size.height) {
    std::fill_n(rgb, size.width * size.height * 3, std::uint8_t{0});
  }
  if (part.left >= part.right || part.top >= part.bottom) return;
  const Place first{part.left / facts.tile_width, part.top / facts.tile_height};
  const Place last{(part.right - 1) / facts.tile_width, (part.bottom - 1) / facts.tile_height};
  const std::int64_t columns = last.column - first.column + 1;
  const auto read = [&](std::size_t i) {
    const auto index = static_cast<std::int64_t>(i);
    const Place place{first.column + index % columns, first.row + index / columns};
    const Part tile{place.column * facts.tile_width, place.row * facts.tile_height,
                    (place.column + 1) * facts.tile_width, (place.row + 1) * facts.tile_height};
    const Part common{std::max(part.left, tile.left), std::max(part.top, tile.top), std::min(part.right, tile.right),
                      std::min(part.bottom, tile.bottom)};
    std::uint8_t* const out = rgb + ((common.top - top) * size.width + common.left - left) * 3;
    read_tile(page, place, tile, common, {out, static_cast<std::size_t>(size.width) * 3});
  };
  const auto count = static_cast<std::size_t>(columns * (last.row - first.row + 1));
  if (helpers_ != nullptr && count > 1) return helpers_->share(count, read);
  for (std::size_t i = 0; i < count; ++i) read(i);
}

void TiffSlide::read_tile(std::size_t page, Place place, const Part& tile, const Part& common,
                          const Rows& target) const {
  const image::TiledPage& facts = tiff_->pages()[page];
  const auto width = static_cast<int>(facts.tile_width);
  const auto height = static_cast<int>(facts.tile_height);
  const std::size_t tile_row_bytes = static_cast<std::size_t>(width) * 3;
  const std::uint64_t key =
      std::uint64_t{page} << 32 | static_cast<std::uint64_t>(place.row * facts.tiles_across() + place.column);
  std::shared_ptr<const std::uint8_t[]> pixels;
  if (common == tile) {
    // Reads that do not overlap never want it again: straight to its place.
    pixels = cache_.find(key);
    if (!pixels) return tiff_->read_tile(page, place.column, place.row, {target.rgb, width, height, target.row_bytes});
  } else {
    pixels = cache_.get(key, tile_row_bytes * static_cast<std::size_t>(height), [&](std::uint8_t* rgb) {
      tiff_->read_tile(page, place.column, place.row, {rgb, width, height, tile_row_bytes});
    });
  }
  const std::uint8_t* from = pixels.get() + ((common.top - tile.top) * width + common.left - tile.left) * 3;
  std::uint8_t* to = target.rgb;
  for (std::int64_t y = common.top; y < common.bottom; ++y, from += tile_row_bytes, to += target.row_bytes) {
    std::memcpy(to, from, static_cast<std::size_t>(common.right - common.left) * 3);
  }
}

std::string why_not_this_file(const Slide& slide) {
  if (slide.format() == "aperio" || slide.format() == "generic-tiff") return {};
  return fmt::format("format {}", slide.format());
}

constexpr std::string_view kOthers = "--reader auto and --reader openslide may read it";

[[noreturn]] void refuse(const Slide& slide, std::string_view reason) {
  throw Error(ErrorCode::Unsupported,
              fmt::format("{}: --reader tiff cannot read it: {}; {}", slide.path().string(), reason, kOthers));
}

}  // namespace

std::shared_ptr<Slide> with_tiff_tiles(std::shared_ptr<Slide> slide, ReaderChoice choice) {
  const bool forced = choice == ReaderChoice::Tiff;
  if (const std::string reason = why_not_this_file(*slide); !reason.empty()) {
    if (forced) refuse(*slide, reason);
    return slide;
  }
  std::unique_ptr<const image::TiledTiff> tiff;
  try {
    tiff = std::make_unique<const image::TiledTiff>(slide->path());
  } catch (const Error& error) {
    if (forced) throw Error(error.code(), fmt::format("{}; {}", error.what(), kOthers));
    return slide;  // a TIFF that only OpenSlide understands
  }
  std::vector<LevelPage> pages;
  for (const Level& level : slide->levels()) {
    pages.push_back(find_page(tiff->pages(), level.size));
    if (forced && !pages.back().page) {
      refuse(*slide, fmt::format("level {}: {}", pages.size() - 1, pages.back().why_not));
    }
  }
  if (std::ranges::none_of(pages, [](const LevelPage& level) { return level.page.has_value(); })) return slide;
  return std::make_shared<TiffSlide>(std::move(slide), std::move(tiff), std::move(pages));
}

}  // namespace hipt::slide
