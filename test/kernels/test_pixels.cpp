#include <doctest/doctest.h>

#include "hipt/base/formula.h"
#include "hipt/kernels/pixels.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;

TEST_CASE("pixels to tokens equal the plain loop bit for bit at every token size and row stride") {
  test::for_each_simd_target([&](const std::string& target) {
    CAPTURE(target);
    for (const int px : {1, 2, 3, 5, 8, 14, 16, 17, 32}) {
      CAPTURE(px);
      const int width = 3 * px, height = 2 * px;
      const int stride = 3 * width + 7;
      const std::vector<std::uint8_t> bytes = formula_image("kernels", "pixels", height, stride);
      const RgbView picture{bytes.data() + 1, width, height, stride};
      const std::size_t count = static_cast<std::size_t>(width * height) * 3;
      std::vector<float> expected(count);
      kernels::pixels_to_tokens_reference(picture, px, expected.data());
      test::GuardedFloats out(count, 1);
      kernels::pixels_to_tokens(picture, px, out.data());
      CHECK(test::worst_error(out.span(), expected) == 0.0);
      CHECK(out.ends_untouched());
    }
  });
}
