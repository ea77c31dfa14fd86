// What is dropped on request: the pen stroke that make_mosaic.py draws, blurred and blackened tissue.

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "hipt/image/png.h"
#include "hipt/tissue/artifacts.h"
#include "hipt/tissue/pictures.h"
#include "hipt/tissue/study.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

// The stroke of mosaic-20x.svs, level-0 px: a polyline 90 px wide (slides/made/make_mosaic.py, "pen").
constexpr std::array<std::array<double, 2>, 4> kStroke = {{{8900, 500}, {9080, 1500}, {8830, 2900}, {8990, 4300}}};
constexpr double kStrokeWidth = 90;

double distance_to_stroke(double x, double y) {
  double least = 1e9;
  for (std::size_t i = 0; i + 1 < kStroke.size(); ++i) {
    const auto [ax, ay] = kStroke[i];
    const double ux = kStroke[i + 1][0] - ax;
    const double uy = kStroke[i + 1][1] - ay;
    const double part = std::clamp(((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy), 0.0, 1.0);
    least = std::min(least, std::hypot(x - ax - part * ux, y - ay - part * uy));
  }
  return least;
}

std::size_t count_of(const tissue::Artifacts& artifacts, tissue::Artifact kind) {
  return static_cast<std::size_t>(std::ranges::count(artifacts.kinds.values, static_cast<std::uint8_t>(kind)));
}

TEST_CASE("the pen stroke of mosaic-20x is dropped and its tissue stays") {
  const auto path = shared_data("slides/made/mosaic-20x.svs");
  if (!path) return skip("mosaic-20x.svs is not here");
  const auto slide = slide::open_slide(*path);
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  const tissue::Tissue before = tissue::segment(*slide, options);
  options.remove_penmarks = options.remove_black = options.remove_blur = true;
  const tissue::Tissue after = tissue::segment(*slide, options);
  REQUIRE(after.artifacts.has_value());
  CHECK(count_of(*after.artifacts, tissue::Artifact::Black) == 0);
  CHECK(count_of(*after.artifacts, tissue::Artifact::Blur) == 0);

  const tissue::Plane& kinds = after.artifacts->kinds;
  int stroke = 0;
  int dropped_stroke = 0;
  int dropped_elsewhere = 0;
  for (int y = 0; y < kinds.height; ++y) {
    for (int x = 0; x < kinds.width; ++x) {
      const double distance = distance_to_stroke((x + 0.5) * 12288 / kinds.width, (y + 0.5) * 10240 / kinds.height);
      const bool dropped = kinds.values[static_cast<std::size_t>(y * kinds.width + x)] != 0;
      stroke += distance < kStrokeWidth / 2;
      dropped_stroke += dropped && distance < kStrokeWidth / 2;
      dropped_elsewhere += dropped && distance > kStrokeWidth / 2 + 3 * 16;  // its rim of 2 px
    }
  }
  std::cout << fmt::format("pen: {} of {} px of the stroke dropped, {} elsewhere", dropped_stroke, stroke,
                           dropped_elsewhere)
            << std::endl;
  CHECK(dropped_stroke > 0.8 * stroke);  // the rest lies over dark tissue
  CHECK(dropped_elsewhere == 0);
  // The contour with the stroke ended left of it; now it ends at the tissue's edge.
  REQUIRE(after.contours.size() == before.contours.size());
  const auto left_of = [](const tissue::Tissue& tissue) {
    return std::ranges::min(tissue.contours.back().outline, {}, &Level0Point::x).x;
  };
  CHECK(left_of(before) < 8830);
  CHECK(left_of(after) > 8830 + 45);
}

// The demo slide's picture as a slide of its own, its lower half changed.
std::shared_ptr<const slide::Slide> changed_slide(const slide::Slide& source, const std::filesystem::path& file,
                                                  const std::function<void(cv::Mat)>& change) {
  image::RgbImage picture = source.read_region({0, 0}, 0, source.size());
  cv::Mat pixels(picture.height(), picture.width(), CV_8UC3, picture.data());
  change(pixels.rowRange(picture.height() / 2, picture.height()));
  image::write_png(file, picture.view());
  return slide::open_slide(file, 0.499);
}

// Parts of the upper and lower half's tissue that are marked, the rows where both meet left out.
std::array<double, 2> marked(const slide::Slide& slide, const tissue::TissueOptions& options, tissue::Artifact kind) {
  const tissue::Tissue tissue = tissue::segment(slide, options);
  std::array<double, 2> marked{};
  std::array<double, 2> all{};
  const tissue::Artifacts& artifacts = *tissue.artifacts;
  constexpr int kBorder = 12;  // px of 8 um: more than half a window of the blur
  for (int y = 0; y < artifacts.kinds.height; ++y) {
    if (std::abs(y - artifacts.kinds.height / 2) < kBorder) continue;
    for (int x = 0; x < artifacts.kinds.width; ++x) {
      const std::size_t place = static_cast<std::size_t>(y) * artifacts.kinds.width + x;
      const std::uint8_t* rgb = artifacts.picture.data() + 3 * place;
      const std::size_t half = 2 * y >= artifacts.kinds.height;
      if (std::max({rgb[0], rgb[1], rgb[2]}) - std::min({rgb[0], rgb[1], rgb[2]}) < 40 && rgb[1] > 60) continue;
      all[half] += 1;
      marked[half] += artifacts.kinds.values[place] == static_cast<std::uint8_t>(kind);
    }
  }
  return {marked[0] / all[0], marked[1] / all[1]};
}

TEST_CASE("tissue out of focus is dropped and sharp tissue stays") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const TemporaryFolder folder;
  const auto blurred = changed_slide(*slide::open_slide(*path), folder / "blurred.png", [](cv::Mat half) {
    cv::GaussianBlur(half, half, cv::Size(), 8);  // 4 um
  });
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  options.remove_blur = true;
  const auto [sharp, out_of_focus] = marked(*blurred, options, tissue::Artifact::Blur);
  std::cout << fmt::format("blur: {:.3f} of the sharp half dropped, {:.3f} of the blurred one", sharp, out_of_focus)
            << std::endl;
  CHECK(sharp < 0.02);
  CHECK(out_of_focus > 0.9);
  CHECK(tissue::segmentation_fingerprint(*blurred, options) !=
        tissue::segmentation_fingerprint(*blurred, tissue::preset("bwh_biopsy")));
}

TEST_CASE("what is nearly black is dropped") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const TemporaryFolder folder;
  const auto dark = changed_slide(*slide::open_slide(*path), folder / "dark.png", [](cv::Mat half) {
    half = half * 0.18;  // glass 44, tissue less
  });
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  options.remove_black = true;
  const auto [light, black] = marked(*dark, options, tissue::Artifact::Black);
  std::cout << fmt::format("black: {:.3f} of the light half dropped, {:.3f} of the dark one", light, black)
            << std::endl;
  CHECK(light < 0.02);
  CHECK(black > 0.99);
}

TEST_CASE("focus cannot be judged on a slide coarser than 2 um a pixel") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  tissue::TissueOptions options;
  options.remove_blur = true;
  std::string message;
  CHECK(error_of([&] { tissue::segment(*slide::open_slide(*path, 4), options); }, &message) == ErrorCode::Unsupported);
  CHECK_MESSAGE(message.ends_with("--remove_blur judges focus at 2 um a pixel, and the slide has 4"), message);
}

TEST_CASE("pictures of artifacts and numbered contours are made on request and found again") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  const TemporaryFolder folder;
  const cohort::StudyFolder root{folder.path()};
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  const auto status = [&] { return tissue::tissue_of_slide(*slide, options, root, true, {}).status; };
  CHECK(status() == cohort::Status::Processed);
  CHECK_FALSE(std::filesystem::exists(root.numbered_contours(slide->id())));
  options.number_contours = true;  // the mask is what it was: the picture is added
  const std::string mask = read_text(root.mask(slide->id()));
  CHECK(status() == cohort::Status::Processed);
  CHECK(read_text(root.mask(slide->id())) == mask);
  const image::RgbImage numbered = image::read_png(root.numbered_contours(slide->id()));
  CHECK(numbered.width() == 1496);  // 2220 x 2967 in 2000 px
  CHECK(numbered.height() == 2000);
  CHECK(status() == cohort::Status::AlreadyExist);

  options.remove_penmarks = true;
  CHECK(error_of([&] { status(); }) == ErrorCode::InvalidArgument);
  CHECK(tissue::tissue_of_slide(*slide, options, root, false, {}).status == cohort::Status::Processed);
  CHECK(image::read_png(root.artifacts(slide->id())).width() == 138);  // 2220 px of 0.499 um at 8 um
  CHECK(status() == cohort::Status::AlreadyExist);
  std::filesystem::remove(root.artifacts(slide->id()));
  CHECK(status() == cohort::Status::Processed);
}

TEST_CASE("artifacts are painted by kind") {
  tissue::Artifacts artifacts{image::RgbImage(4, 1), {4, 1, {0, 1, 2, 3}}};
  const image::RgbImage picture = tissue::draw_artifacts(artifacts);
  const std::array<std::uint8_t, 12> expected = {0, 0, 0, 240, 228, 66, 0, 158, 115, 0, 114, 178};
  CHECK(std::equal(expected.begin(), expected.end(), picture.data()));
}

TEST_CASE("contours left out are grey and the others green on the numbered picture") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  tissue::Tissue tissue;
  const auto square = [](std::int64_t x, std::int64_t id) {
    return tissue::Contour{{{x, 100}, {x + 200, 100}, {x + 200, 300}, {x, 300}}, {}, id};
  };
  tissue.contours = {square(100, 1)};
  tissue.left_out = {square(600, 0)};
  image::RgbImage picture = tissue::draw_numbered_contours(*slide, tissue);
  const auto colour = [&](double x, double y) {
    const std::uint8_t* rgb = picture.row(static_cast<int>(y * 2000 / 2967)) + 3 * static_cast<int>(x * 1496 / 2220);
    return std::array<int, 3>{rgb[0], rgb[1], rgb[2]};
  };
  CHECK(colour(100, 200) == std::array{0, 150, 0});
  CHECK(colour(600, 200) == std::array{128, 128, 128});
}

}  // namespace
}  // namespace hipt::test
