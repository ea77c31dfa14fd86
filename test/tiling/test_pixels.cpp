// Which level --mag means. Numbers: TRIDENT's tolerance and buckets, as docs/parity.md has them.

#include <fmt/format.h>

#include "hipt/tiling/grid.h"

#include "test/support/support.h"
#include "test/tiling/fake_slide.h"

namespace hipt::test {
namespace {

tiling::TileOptions at_mag(std::optional<double> mag) {
  tiling::TileOptions options;
  options.mag = mag;
  return options;
}

TEST_CASE("magnification comes from the objective and then from buckets of microns per pixel") {
  const auto of = [](std::optional<double> objective, std::optional<double> mpp) {
    return tiling::slide_magnification(FakeSlide({{1000, 1000}}, objective, mpp));
  };
  CHECK(of(20, 0.25) == 20);
  CHECK(of(std::nullopt, 0.499) == 20);
  CHECK(of(std::nullopt, 0.6) == 10);
  CHECK(of(std::nullopt, 0.2999) == 40);
  CHECK(of(std::nullopt, 0.19) == 60);
  CHECK(of(std::nullopt, 0.11) == 80);
  CHECK(of(std::nullopt, 2.39) == 5);
  CHECK(of(std::nullopt, 2.4) == std::nullopt);
  CHECK(of(std::nullopt, std::nullopt) == std::nullopt);
}

TEST_CASE("mag takes the level whose downsample is within 0.1") {
  const FakeSlide slide({{40000, 40000}, {20004, 19996}, {9756, 9756}, {2500, 2500}}, 40, std::nullopt);
  CHECK(tiling::resolve_pixels(slide, at_mag(40)).level == 0);
  CHECK(tiling::resolve_pixels(slide, at_mag(20)).level == 1);
  CHECK(tiling::resolve_pixels(slide, at_mag(9.8)).level == 2);  // 4.08 wanted, 4.1 there
  CHECK(tiling::resolve_pixels(slide, at_mag(2.5)).level == 3);
  std::string message;
  CHECK(error_of([&] { tiling::resolve_pixels(slide, at_mag(5)); }, &message) == ErrorCode::Unsupported);
  CHECK(message.find("fake.svs: no level has 5x (its levels: 40x, 20x, 9.756x, 2.5x)") == 0);
  CHECK(message.find("--patch_level") != std::string::npos);
  CHECK(error_of([&] { tiling::resolve_pixels(slide, at_mag(80)); }) == ErrorCode::Unsupported);
}

TEST_CASE("a slide that tells no magnification needs a level by number") {
  const FakeSlide slide({{1000, 1000}}, std::nullopt, std::nullopt);
  std::string message;
  CHECK(error_of([&] { tiling::resolve_pixels(slide, at_mag(20)); }, &message) == ErrorCode::Unsupported);
  CHECK(message.find("--patch_level 0") != std::string::npos);
  CHECK(error_of([&] { tiling::resolve_pixels(slide, at_mag(std::nullopt)); }) == ErrorCode::InvalidArgument);
  tiling::TileOptions by_level = at_mag(20);
  by_level.patch_level = 0;
  CHECK(tiling::resolve_pixels(slide, by_level).level == 0);
  by_level.patch_level = 1;
  CHECK(error_of([&] { tiling::resolve_pixels(slide, by_level); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "fake.svs: --patch_level 1: the slide has only level 0");
}

TEST_CASE("mag covers whole patches where patch_level truncates as published") {
  const FakeSlide slide({{4095, 3071}, {1024, 768}}, 20, std::nullopt);
  tiling::TileOptions options = at_mag(5);
  const tiling::Grid by_mag = tiling::resolve_grid(tiling::resolve_scale(slide, options), options);
  CHECK(by_mag.patch == Size{1024, 1024});
  options.patch_level = 1;
  const tiling::Grid by_level = tiling::resolve_grid(tiling::resolve_scale(slide, options), options);
  CHECK(by_level.patch == Size{768, 768});  // spec: 3.9998 counts as 3
}

TEST_CASE("the centre of an odd patch is half a pixel when holes are asked") {
  // spec 3.4: the hole test looks at x + ref/2, here 127.5, strictly inside a hole that begins at 127.
  const tissue::Contour contour{{{0, 0}, {400, 0}, {400, 400}, {0, 400}},
                                {{{127, 0}, {400, 0}, {400, 400}, {127, 400}}}};
  tiling::TileOptions options;
  options.contour_fn = tiling::ContourTest::Center;
  const auto accepted = [&](std::int64_t size) {
    return tiling::contour_points(contour, {400, 400}, {{size, size}, {1000, 1000}}, options).size();
  };
  CHECK(accepted(255) == 0);
  CHECK(accepted(254) == 1);  // 127: on the hole's boundary, which is not in it
}

TEST_CASE("a grid too fine to finish is refused") {
  const FakeSlide slide({{200000, 200000}}, 20, std::nullopt);
  tiling::TileOptions options;
  options.step_size = 1;
  const tissue::Contour everything{{{0, 0}, {200000, 0}, {200000, 200000}, {0, 200000}}, {}};
  const tiling::Grid grid = tiling::resolve_grid(tiling::resolve_scale(slide, options), options);
  CHECK(error_of([&] { tiling::contour_points(everything, slide.size(), grid, options); }) == ErrorCode::Unsupported);
}

}  // namespace
}  // namespace hipt::test
