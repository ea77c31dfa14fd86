// Virtual levels: what is seen of a level, and the means of its squares against a plain loop and against numpy.

#include <algorithm>

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/image/png.h"
#include "hipt/slide/whole_level.h"

#include "test/slide/slide_case.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

// Mean of the pixels of `picture` in the square at (left, top), halves up; black when it has none.
image::RgbImage naive_means(const image::RgbImage& picture, std::int64_t left, std::int64_t top, std::int64_t side,
                            Size size) {
  image::RgbImage means(static_cast<int>(size.width), static_cast<int>(size.height));
  for (int row = 0; row < means.height(); ++row) {
    for (int column = 0; column < means.width(); ++column) {
      std::int64_t sums[3] = {};
      std::int64_t count = 0;
      for (std::int64_t y = top + row * side; y < top + (row + 1) * side; ++y) {
        for (std::int64_t x = left + column * side; x < left + (column + 1) * side; ++x) {
          if (x < 0 || y < 0 || x >= picture.width() || y >= picture.height()) continue;
          ++count;
          for (int channel = 0; channel < 3; ++channel) {
            sums[channel] += picture.view().row(static_cast<int>(y))[x * 3 + channel];
          }
        }
      }
      for (int channel = 0; channel < 3 && count > 0; ++channel) {
        means.row(row)[column * 3 + channel] = static_cast<std::uint8_t>((2 * sums[channel] + count) / (2 * count));
      }
    }
  }
  return means;
}

}  // namespace

TEST_CASE("A level of at most 1e8 pixels is seen as it is") {
  const auto file = demo_slide();
  if (!file) return skip("the demo slide is not on this machine");
  const auto slide = slide::open_slide(*file);
  const slide::WholeLevel level = slide::whole_level(*slide, 0);
  CHECK(level.reduction == 1);
  CHECK(level.size == slide->size());
  CHECK(level.downsample == 1.0);
  CHECK(sha256_of(slide::read_whole_level(*slide, level)) == sha256_of(slide->read_region({0, 0}, 0, slide->size())));
  CHECK(slide::whole_level(*slide, 0, slide->size().width * slide->size().height).reduction == 1);
  CHECK(slide::whole_level(*slide, 0, slide->size().width * slide->size().height - 1).reduction == 64);
  // 64 times smaller is still too large; 270 gives 9 x 11 squares, 269 gives 9 x 12.
  CHECK(slide::whole_level(*slide, 0, 100).reduction == 270);
}

TEST_CASE("A virtual level is the mean of squares as by a plain loop") {
  const TemporaryFolder folder;
  constexpr int kWidth = 1000;
  constexpr int kHeight = 333;
  const std::vector<std::uint8_t> pixels = formula_image("whole_level", "picture", kHeight, kWidth);
  image::write_png(folder / "picture.png", {pixels.data(), kWidth, kHeight, std::ptrdiff_t{3} * kWidth});
  const auto slide = slide::open_slide(folder / "picture.png");
  const image::RgbImage whole = slide->read_region({0, 0}, 0, slide->size());
  for (const std::int64_t most : {std::int64_t{3000}, std::int64_t{90}, std::int64_t{20}}) {
    CAPTURE(most);
    const slide::WholeLevel level = slide::whole_level(*slide, 0, most);
    CHECK(level.size.width * level.size.height <= most);
    CHECK(level.downsample == static_cast<double>(level.reduction));
    CHECK(level.size.width == (kWidth + level.reduction - 1) / level.reduction);
    CHECK(level.size.height == (kHeight + level.reduction - 1) / level.reduction);
    CHECK(sha256_of(slide::read_whole_level(*slide, level)) ==
          sha256_of(naive_means(whole, 0, 0, level.reduction, level.size)));
    for (const Level0Point origin : {Level0Point{-70, 5}, {5, -1000}, {900, 300}, {64, 128}, {-5, -5}}) {
      const Size size{7, 5};
      CHECK(sha256_of(slide::read_whole_level_region(*slide, level, origin, size)) ==
            sha256_of(naive_means(whole, origin.x, origin.y, level.reduction, size)));
    }
    for (const Level0Point far : {Level0Point{INT64_MAX, 0}, {INT64_MIN, INT64_MAX}}) {
      CHECK(sha256_of(slide::read_whole_level_region(*slide, level, far, {2, 2})) == sha256_of(image::RgbImage(2, 2)));
    }
    CHECK(error_of([&] { slide::read_whole_level_region(*slide, level, {0, 0}, {-1, 2}); }) ==
          ErrorCode::InvalidArgument);
  }
}

TEST_CASE("A real level of more than 1e8 pixels is the mean of squares as by numpy") {
  const auto file = shared_data("slides/made/mosaic-20x.svs");
  if (!file) return skip("mosaic-20x.svs is not on this machine");
  const auto slide = slide::open_slide(*file);
  const slide::WholeLevel level = slide::whole_level(*slide, 0);
  CHECK(level.reduction == 64);
  // openslide-python 1.4 with OpenSlide 4.0.1: level 0 in one array, summed in squares.
  CHECK(sha256_of(slide::read_whole_level(*slide, level)) ==
        "88b64bf0a4df7f60ed6eb38d23e9a7b671623ad5ce1e6e83ce6bd818a71d72e5");
}

}  // namespace hipt::test
