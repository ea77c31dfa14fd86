// Drawing against pixel-by-pixel twins.

#include <cmath>
#include <limits>

#include "hipt/base/formula.h"
#include "hipt/image/draw.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

image::RgbImage formula_picture(int width, int height) {
  const std::vector<std::uint8_t> bytes = formula_image("draw", "picture", height, width);
  image::RgbImage picture(width, height);
  std::copy(bytes.begin(), bytes.end(), picture.data());
  return picture;
}

bool has_colour(const image::RgbImage& picture, int x, int y, image::Colour colour) {
  const std::uint8_t* pixel = picture.view().row(y) + x * 3;
  return pixel[0] == colour.red && pixel[1] == colour.green && pixel[2] == colour.blue;
}

}  // namespace

TEST_CASE("resize_area is the mean of the covered pixels") {
  const image::RgbImage picture = formula_picture(48, 35);
  const image::RgbImage small = image::resize_area(picture.view(), 12, 7);
  int worst = 0;
  for (int y = 0; y < 7; ++y) {
    for (int x = 0; x < 12 * 3; ++x) {
      double sum = 0.0;
      for (int v = 0; v < 5; ++v) {
        for (int u = 0; u < 4; ++u) sum += picture.view().row(y * 5 + v)[(x / 3 * 4 + u) * 3 + x % 3];
      }
      worst = std::max(worst, static_cast<int>(std::abs(small.view().row(y)[x] - std::lround(sum / 20.0))));
    }
  }
  CHECK(worst <= 1);  // the last bit is OpenCV's rounding
  CHECK(error_of([&] { image::resize_area(picture.view(), 0, 7); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("paste and fill_rectangle leave out what hangs over") {
  constexpr image::Colour kRed{255, 0, 1};
  const image::RgbImage patch = formula_picture(6, 5);
  for (const auto& [left, top] : {std::pair(3, 2), {-2, -3}, {7, 6}, {-6, 0}, {0, 8}, {10, 20}, {-100, 3}}) {
    CAPTURE(left);
    CAPTURE(top);
    image::RgbImage pasted(10, 8);
    image::RgbImage filled(10, 8);
    image::paste(pasted, left, top, patch.view());
    image::fill_rectangle(filled, left, top, 6, 5, kRed);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 10; ++x) {
        const bool inside = x >= left && x < left + 6 && y >= top && y < top + 5;
        const std::uint8_t* source = inside ? patch.view().row(y - top) + (x - left) * 3 : nullptr;
        const image::Colour colour = inside ? image::Colour{source[0], source[1], source[2]} : image::Colour{};
        CHECK(has_colour(pasted, x, y, colour));
        CHECK(has_colour(filled, x, y, inside ? kRed : image::Colour{}));
      }
    }
  }
  image::RgbImage picture(4, 4);
  image::fill_rectangle(picture, -1, -1, std::numeric_limits<int>::max(), std::numeric_limits<int>::max(), kRed);
  CHECK(has_colour(picture, 3, 3, kRed));
}

TEST_CASE("draw_rings draws closed outlines of the asked width") {
  constexpr image::Colour kGreen{0, 255, 0};
  const std::vector<std::vector<image::PixelPoint>> rings = {{{4, 3}, {14, 3}, {14, 11}, {4, 11}}};
  for (const int thickness : {0, 1}) {
    image::RgbImage picture(20, 16);
    image::draw_rings(picture, rings, kGreen, thickness);
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 20; ++x) {
        const bool inside = x >= 4 && x <= 14 && y >= 3 && y <= 11;
        const bool on_line = inside && (x == 4 || x == 14 || y == 3 || y == 11);
        CHECK(has_colour(picture, x, y, on_line ? kGreen : image::Colour{}));
      }
    }
  }
  image::RgbImage wide(20, 16);
  image::draw_rings(wide, rings, kGreen, 3);
  CHECK(has_colour(wide, 9, 2, kGreen));
  CHECK(has_colour(wide, 9, 4, kGreen));
  CHECK(has_colour(wide, 9, 7, {}));

  image::RgbImage outside(20, 16);
  image::draw_rings(outside, std::vector<std::vector<image::PixelPoint>>{{{-500000, 5}, {500000, 5}}, {}}, kGreen, 1);
  CHECK(has_colour(outside, 0, 5, kGreen));
  CHECK(error_of([&] { image::draw_rings(outside, rings, kGreen, -1); }) == ErrorCode::InvalidArgument);
}

}  // namespace hipt::test
