// RingIndex against its twin, OpenCV's pointPolygonTest.

#include <iostream>
#include <random>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "hipt/tiling/ring_index.h"

#include "test/support/support.h"
#include "test/tissue/clam_options.h"

namespace hipt::test {
namespace {

tiling::Side twin(const std::vector<cv::Point>& ring, std::int64_t x2, std::int64_t y2) {
  const cv::Point2f point(static_cast<float>(x2) / 2, static_cast<float>(y2) / 2);
  const double side = cv::pointPolygonTest(ring, point, false);
  return side > 0 ? tiling::Side::Inside : side < 0 ? tiling::Side::Outside : tiling::Side::Boundary;
}

struct Counts {
  std::size_t points = 0;
  std::size_t boundary = 0;
  std::size_t different = 0;
};

// Random places of the ring's box and around it, half pixels too, and places on the ring itself.
Counts compare(const tissue::Ring& ring, int samples, std::mt19937& random) {
  const tiling::RingIndex index(ring);
  std::vector<cv::Point> points;
  for (const Level0Point point : ring) points.emplace_back(static_cast<int>(point.x), static_cast<int>(point.y));
  const cv::Rect box = cv::boundingRect(points);
  std::uniform_int_distribution<std::int64_t> x(2 * box.x - 6, 2 * (box.x + box.width) + 6);
  std::uniform_int_distribution<std::int64_t> y(2 * box.y - 6, 2 * (box.y + box.height) + 6);
  std::uniform_int_distribution<std::size_t> corner(0, ring.size() - 1);
  Counts counts;
  for (int i = 0; i < samples; ++i) {
    Level0Point place{x(random), y(random)};
    if (i % 4 == 1) place.y = 2 * ring[corner(random)].y;  // the ray meets a corner
    if (i % 4 == 2) place = {2 * ring[corner(random)].x, 2 * ring[corner(random)].y};
    if (i % 16 == 3) place = {2 * ring[corner(random)].x, 2 * ring[corner(random)].y};
    if (i % 16 == 7) {
      const Level0Point on = ring[corner(random)];
      place = {2 * on.x, 2 * on.y};
    }
    const tiling::Side expected = twin(points, place.x, place.y);
    ++counts.points;
    counts.boundary += expected == tiling::Side::Boundary;
    counts.different += index.side_of_doubled(place.x, place.y) != expected;
  }
  return counts;
}

TEST_CASE("points in polygons as OpenCV finds them: contours and holes of CLAM cases") {
  std::mt19937 random(1);
  Counts all;
  for (const ClamCase& one : clam_cases("CMU-1-Small-Region.svs")) {
    if (one.id != "cmu-bwh_biopsy-256" && one.id != "cmu-four_pt-256") continue;
    for (const tissue::Contour& contour : clam_tissue(one).contours) {
      std::vector<tissue::Ring> rings = contour.holes;
      rings.push_back(contour.outline);
      for (const tissue::Ring& ring : rings) {
        const Counts counts = compare(ring, 2000, random);
        all.points += counts.points;
        all.boundary += counts.boundary;
        all.different += counts.different;
      }
    }
  }
  std::cout << fmt::format("{} points, {} on the boundary, {} different", all.points, all.boundary, all.different)
            << std::endl;
  CHECK(all.points > 10000);
  CHECK(all.boundary > 100);
  CHECK(all.different == 0);
}

TEST_CASE("points in polygons as OpenCV finds them: random rings that cross themselves") {
  std::mt19937 random(2);
  std::size_t different = 0;
  for (int ring_number = 0; ring_number < 300; ++ring_number) {
    // Small coordinates make many horizontal, vertical and repeated edges; large ones make long edges over many bands.
    std::uniform_int_distribution<std::int64_t> coordinate(0, ring_number % 2 == 0 ? 9 : 100000);
    tissue::Ring ring(1 + static_cast<std::size_t>(ring_number) % 40);
    for (Level0Point& point : ring) point = {coordinate(random), coordinate(random)};
    different += compare(ring, 500, random).different;
  }
  CHECK(different == 0);
}

TEST_CASE("a ring without points has no inside, a far one is refused") {
  CHECK(tiling::RingIndex({}).side_of({0, 0}) == tiling::Side::Outside);
  CHECK(error_of([] { tiling::RingIndex({{0, 0}, {std::int64_t{1} << 40, 0}, {0, 5}}); }) ==
        ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace hipt::test
