// Which pixels --mag, --mpp and --patch_level mean. Numbers: TRIDENT's tolerance and buckets, as docs/parity.md has
// them; pixels by openslide-python and Pillow.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/sha256.h"
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

TEST_CASE("a spacing that the user gives goes before the objective") {
  class Told final : public FakeSlide {
   public:
    Told() : FakeSlide({{1000, 1000}}, 20, std::nullopt) { mpp_ = slide::MicronsPerPixel{0.25, "user"}; }
  };
  CHECK(tiling::slide_magnification(Told()) == 40);
}

void check_rule(const tiling::PixelRule& rule, int level, std::int64_t read_size, std::int64_t patch_size) {
  CHECK(rule.level == level);
  CHECK(rule.read_size == read_size);
  CHECK(rule.patch_size == patch_size);
}

TEST_CASE("mag takes the level whose downsample is within 0.1 and else reduces the next finer one") {
  const FakeSlide slide({{40000, 40000}, {20004, 19996}, {9756, 9756}, {2500, 2500}}, 40, std::nullopt);
  check_rule(tiling::resolve_pixels(slide, at_mag(40)), 0, 256, 256);
  check_rule(tiling::resolve_pixels(slide, at_mag(20)), 1, 256, 256);
  check_rule(tiling::resolve_pixels(slide, at_mag(9.8)), 2, 256, 256);  // 4.08 wanted, 4.1 there
  check_rule(tiling::resolve_pixels(slide, at_mag(2.5)), 3, 256, 256);
  check_rule(tiling::resolve_pixels(slide, at_mag(10)), 1, 512, 256);  // 4.10004 is not within 0.1 of 4
  check_rule(tiling::resolve_pixels(slide, at_mag(5)), 2, 500, 256);   // 8 wanted of 4.1
  check_rule(tiling::resolve_pixels(slide, at_mag(80)), 0, 128, 256);  // finer than the slide: enlarged
}

TEST_CASE("the published recipe for 40x slides: 512 reduced to 256 and 8192 to 4096") {
  const FakeSlide slide({{98304, 81920}, {24576, 20480}, {6144, 5120}}, 40, 0.25);
  for (const std::int64_t size : {256, 4096}) {
    tiling::TileOptions options = at_mag(20);
    options.patch_size = size;
    check_rule(tiling::resolve_pixels(slide, options), 0, 2 * size, size);
    const tiling::Grid grid = tiling::resolve_grid(tiling::resolve_scale(slide, options), options);
    CHECK(grid.patch == Size{2 * size, 2 * size});
    CHECK(grid.step == Size{2 * size, 2 * size});
  }
  tiling::TileOptions overlapping = at_mag(20);
  overlapping.step_size = 192;
  CHECK(tiling::resolve_grid(tiling::resolve_scale(slide, overlapping), overlapping).step == Size{384, 384});
}

tiling::TileOptions at_mpp(double mpp, double tolerance = 0.05) {
  tiling::TileOptions options;
  options.mpp = mpp;
  options.mpp_tolerance = tolerance;
  return options;
}

TEST_CASE("mpp is the true spacing: 0.265 is not 0.25") {
  const FakeSlide slide({{80000, 60000}, {20000, 15000}}, 40, 0.265);
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.5)), 0, 483, 256);  // 256 * 0.5 / 0.265 = 483.02
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.265)), 0, 256, 256);
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.27)), 0, 256, 256);  // within 5 %
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.27, 0.01)), 0, 261, 256);
  check_rule(tiling::resolve_pixels(slide, at_mpp(1.0)), 0, 966, 256);  // level 1 has 1.06, 6 % off
  check_rule(tiling::resolve_pixels(slide, at_mpp(1.0, 0.07)), 1, 256, 256);
  check_rule(tiling::resolve_pixels(slide, at_mpp(2.0)), 1, 483, 256);    // of 1.06
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.125)), 0, 121, 256);  // finer than the slide: enlarged
  check_rule(tiling::resolve_pixels(slide, at_mpp(0.001)), 0, 1, 256);
  const auto patch_of = [&](const tiling::TileOptions& options) {
    return tiling::resolve_grid(tiling::resolve_scale(slide, options), options).patch;
  };
  CHECK(patch_of(at_mpp(0.5)) == Size{483, 483});
  CHECK(patch_of(at_mpp(1.0, 0.07)) == Size{1024, 1024});  // the level as it is: 256 of its pixels
  // The rules in their order: patch_level, mpp, mag.
  tiling::TileOptions all = at_mpp(0.5);
  all.mag = 40;
  check_rule(tiling::resolve_pixels(slide, all), 0, 483, 256);
  all.patch_level = 1;
  check_rule(tiling::resolve_pixels(slide, all), 1, 256, 256);
}

TEST_CASE("a slide that tells no scale is refused with three remedies") {
  const FakeSlide slide({{1000, 1000}}, std::nullopt, std::nullopt);
  std::string message;
  for (const tiling::TileOptions& options : {at_mag(20), at_mpp(0.5)}) {
    CHECK(error_of([&] { tiling::resolve_pixels(slide, options); }, &message) == ErrorCode::Unsupported);
    CHECK(message.find("fake.svs: ") == 0);
    for (const char* remedy : {"a CSV with columns slide and mpp", "--patch_level 0", "XResolution"})
      CHECK_MESSAGE(message.find(remedy) != std::string::npos, message);
  }
  const FakeSlide only_objective({{1000, 1000}}, 20, std::nullopt);
  CHECK(error_of([&] { tiling::resolve_pixels(only_objective, at_mpp(0.5)); }, &message) == ErrorCode::Unsupported);
  CHECK_MESSAGE(message.find("an objective of 20x is no measure") != std::string::npos, message);
  CHECK(error_of([&] { tiling::resolve_pixels(slide, at_mag(std::nullopt)); }) == ErrorCode::InvalidArgument);
  tiling::TileOptions by_level = at_mag(20);
  by_level.patch_level = 0;
  CHECK(tiling::resolve_pixels(slide, by_level).level == 0);
  by_level.patch_level = 1;
  CHECK(error_of([&] { tiling::resolve_pixels(slide, by_level); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "fake.svs: --patch_level 1: the slide has only level 0");
}

TEST_CASE("options that contradict each other are refused") {
  const FakeSlide slide({{10000, 10000}}, 20, 0.5);
  const auto refuses = [&](const std::function<void(tiling::TileOptions&)>& change, const std::string& words) {
    tiling::TileOptions options;
    change(options);
    std::string message;
    CHECK(error_of([&] { tiling::resolve_pixels(slide, options); }, &message) == ErrorCode::InvalidArgument);
    CHECK_MESSAGE(message.find(words) != std::string::npos, message);
  };
  refuses([](auto& o) { o.align_regions = true, o.patch_size = 300; }, "--region_size 4096 is no multiple");
  refuses([](auto& o) { o.align_regions = true, o.step_size = 128; }, "leave --step_size out");
  refuses([](auto& o) { o.top_left = {5}; }, "x,y");
  refuses([](auto& o) { o.tissue_fraction = 1.5; }, "tissue_fraction");
  refuses([](auto& o) { o.min_patches_per_contour = 0; }, "min_patches_per_contour");
}

// Pixels that openslide-python read and Pillow resized (cases/scales/make_scale_slides.py).
TEST_CASE("patches are resampled bit for bit as Pillow does it") {
  const std::filesystem::path folder = source_dir() / "test/cases/scales";
  const auto cases = nlohmann::json::parse(read_text(folder / "expected-patches.json")).at("cases");
  for (const nlohmann::json& one : cases) {
    const auto slide = slide::open_slide(folder / one.at("slide").get<std::string>());
    const tiling::PixelRule pixels{one.at("level"), one.at("read_size"), one.at("patch_size")};
    const Level0Point corner{one.at("corner")[0], one.at("corner")[1]};
    const image::RgbImage patch = tiling::read_patch(*slide, pixels, corner);
    CHECK(patch.width() == pixels.patch_size);
    CHECK_MESSAGE(sha256_hex(std::as_bytes(std::span(patch.data(), patch.byte_size()))) == one.at("sha256"),
                  one.dump());
  }
}

TEST_CASE("the test slides of 40x and of 0.265 um are read by the rules") {
  const std::filesystem::path folder = source_dir() / "test/cases/scales";
  const auto forty = slide::open_slide(folder / "forty-x.svs");
  check_rule(tiling::resolve_pixels(*forty, at_mag(20)), 0, 512, 256);
  check_rule(tiling::resolve_pixels(*forty, at_mag(10)), 1, 256, 256);
  check_rule(tiling::resolve_pixels(*forty, at_mpp(0.5)), 0, 508, 256);  // 256 * 0.5 / 0.252
  const auto odd = slide::open_slide(folder / "mpp-0265.svs");
  CHECK(!odd->objective_power());
  check_rule(tiling::resolve_pixels(*odd, at_mag(20)), 0, 512, 256);  // counts as 0.25: that bucket is 40x
  check_rule(tiling::resolve_pixels(*odd, at_mpp(0.5)), 0, 483, 256);
  check_rule(tiling::resolve_pixels(*odd, at_mpp(1.06)), 1, 256, 256);
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
