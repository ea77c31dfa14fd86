#include "hipt/slide/whole_level.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"

namespace hipt::slide {
namespace {

constexpr double kVirtualDownsample = 64;
// Sides of a block that is read at once, about: 12 MB of RGB.
constexpr std::int64_t kReadWidth = 4096;
constexpr std::int64_t kReadHeight = 1024;
constexpr double kFarOff = 1e15;  // px; beyond the largest picture of the largest squares

std::int64_t squares_over(std::int64_t length, std::int64_t side) {
  return (length + side - 1) / side;
}

// Side of the level's tiles along "width" or "height", when the reader tells it.
std::int64_t tile_side(const Slide& slide, int level, std::string_view axis) {
  const auto found = slide.properties().find(fmt::format("openslide.level[{}].tile-{}", level, axis));
  std::int64_t side = 1;
  if (found != slide.properties().end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), side);
  }
  return side > 0 && side <= kReadWidth ? side : 1;
}

// How many squares a block has along one axis: about `length` pixels, and whole tiles where that can be, so that none
// is decoded twice.
std::int64_t block_squares(std::int64_t length, std::int64_t reduction, std::int64_t tile) {
  const std::int64_t whole = std::lcm(reduction, tile);
  const std::int64_t unit = whole <= 2 * length ? whole : reduction;
  return std::max<std::int64_t>(1, length / unit) * unit / reduction;
}

// A part of one axis of the level: squares [first, end) of the result, counted from `start`, cover pixels that exist.
struct Span {
  std::int64_t start;      // of square 0, px of the level; may be negative
  std::int64_t reduction;  // px
  std::int64_t length;     // of the level, px

  std::int64_t begin_of(std::int64_t square) const {
    return std::clamp<std::int64_t>(start + square * reduction, 0, length);
  }
  std::int64_t pixels(std::int64_t first, std::int64_t end) const { return begin_of(end) - begin_of(first); }
};

// Sums of a block's pixels over squares.
class SquareSums {
 public:
  SquareSums(const Span& columns, std::int64_t first, std::int64_t end) {
    for (std::int64_t square = first; square < end; ++square) widths_.push_back(columns.pixels(square, square + 1));
    columns_.resize(static_cast<std::size_t>(columns.pixels(first, end)) * 3);
  }

  // One row of pixels, as wide as the squares together.
  void add_row(const std::uint8_t* rgb) {
    for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i] += rgb[i];
    ++rows_;
  }

  // Means of the rows since the last call; squares without pixels are left as they are.
  void take_means(std::uint8_t* rgb) {
    const std::uint32_t* column = columns_.data();
    for (const std::int64_t width : widths_) {
      std::uint64_t sums[3] = {};
      for (std::int64_t i = 0; i < width; ++i, column += 3) {
        for (int channel = 0; channel < 3; ++channel) sums[channel] += column[channel];
      }
      const auto count = static_cast<std::uint64_t>(width * rows_);
      for (int channel = 0; channel < 3 && count > 0; ++channel) {
        rgb[channel] = static_cast<std::uint8_t>((2 * sums[channel] + count) / (2 * count));
      }
      rgb += 3;
    }
    std::ranges::fill(columns_, 0);
    rows_ = 0;
  }

 private:
  std::vector<std::int64_t> widths_;    // of the squares, px
  std::vector<std::uint32_t> columns_;  // [pixels, 3] sums of the rows so far
  std::int64_t rows_ = 0;
};

// A picture of squares of a level's pixels, made block by block.
class Averager {
 public:
  Averager(const Slide& slide, const WholeLevel& level, Level0Point origin, Size size)
      : slide_(slide),
        level_(level),
        downsample_(slide.levels()[static_cast<std::size_t>(level.level)].downsample),
        columns_{pixel_of(origin.x), level.reduction, level_size().width},
        rows_{pixel_of(origin.y), level.reduction, level_size().height},
        picture_(static_cast<int>(size.width), static_cast<int>(size.height)) {}

  image::RgbImage run() {
    const std::int64_t width = block_squares(kReadWidth, level_.reduction, tile_side(slide_, level_.level, "width"));
    const std::int64_t height = block_squares(kReadHeight, level_.reduction, tile_side(slide_, level_.level, "height"));
    for (std::int64_t y = 0; y < picture_.height(); y += height) {
      for (std::int64_t x = 0; x < picture_.width(); x += width) {
        average(x, std::min<std::int64_t>(x + width, picture_.width()), y,
                std::min<std::int64_t>(y + height, picture_.height()));
      }
    }
    return std::move(picture_);
  }

 private:
  const Size& level_size() const { return slide_.levels()[static_cast<std::size_t>(level_.level)].size; }
  // Far-off places are brought near enough for whole numbers, and stay outside.
  std::int64_t pixel_of(std::int64_t level0) const {
    return std::llround(std::clamp(static_cast<double>(level0) / downsample_, -kFarOff, kFarOff));
  }
  std::int64_t level0_of(std::int64_t pixel) const { return std::llround(static_cast<double>(pixel) * downsample_); }

  // Squares [left, right) x [top, bottom) of the picture.
  void average(std::int64_t left, std::int64_t right, std::int64_t top, std::int64_t bottom) {
    const Size size{columns_.pixels(left, right), rows_.pixels(top, bottom)};
    if (size.width == 0 || size.height == 0) return;
    const image::RgbImage block =
        slide_.read_region({level0_of(columns_.begin_of(left)), level0_of(rows_.begin_of(top))}, level_.level, size);
    SquareSums sums(columns_, left, right);
    int row = 0;
    for (std::int64_t y = top; y < bottom; ++y) {
      for (std::int64_t i = rows_.pixels(y, y + 1); i > 0; --i, ++row) sums.add_row(block.view().row(row));
      sums.take_means(picture_.row(static_cast<int>(y)) + left * 3);
    }
  }

  const Slide& slide_;
  const WholeLevel& level_;
  const double downsample_;
  const Span columns_;
  const Span rows_;
  image::RgbImage picture_;
};

}  // namespace

WholeLevel whole_level(const Slide& slide, int level, std::int64_t most_pixels) {
  const Level& facts = slide.levels().at(static_cast<std::size_t>(level));
  const auto seen = [&](std::int64_t reduction) {
    return Size{squares_over(facts.size.width, reduction), squares_over(facts.size.height, reduction)};
  };
  const auto too_large = [&](const Size& size) { return size.width > most_pixels / size.height; };
  std::int64_t reduction = 1;
  if (too_large(facts.size)) {
    reduction = std::max<std::int64_t>(2, std::llround(kVirtualDownsample / facts.downsample));
    while (too_large(seen(reduction))) ++reduction;
  }
  const auto factor = static_cast<double>(reduction);
  return {level,
          reduction,
          seen(reduction),
          facts.downsample * factor,
          {facts.downsample_xy.x * factor, facts.downsample_xy.y * factor}};
}

image::RgbImage read_whole_level(const Slide& slide, const WholeLevel& level) {
  const std::scoped_lock lock(slide.kept_mutex_);
  const std::pair key(level.level, level.reduction);
  const auto kept = slide.kept_.find(key);
  if (kept != slide.kept_.end()) return kept->second;
  image::RgbImage picture = read_whole_level_region(slide, level, {0, 0}, level.size);
  slide.kept_.clear();
  slide.kept_.emplace(key, picture);
  return picture;
}

image::RgbImage read_whole_level_region(const Slide& slide, const WholeLevel& level, Level0Point origin, Size size) {
  if (level.reduction == 1) return slide.read_region(origin, level.level, size);
  if (size.width < 0 || size.height < 0 || (size.height > 0 && size.width > image::kMaxPicturePixels / size.height)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: a region of {} x {} pixels", slide.path().string(), size.width, size.height));
  }
  return Averager(slide, level, origin, size).run();
}

}  // namespace hipt::slide
