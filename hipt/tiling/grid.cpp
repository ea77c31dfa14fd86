#include "hipt/tiling/grid.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/tiling/ring_index.h"

namespace hipt::tiling {
namespace {

constexpr std::int64_t kMostCandidates = 1'000'000'000;  // a contour

// First and one past the last candidate on each axis.
struct Range {
  Level0Point start;
  Level0Point stop;
};

Range bounding_box(const tissue::Ring& ring) {
  Range box{ring.front(), ring.front()};
  for (const Level0Point point : ring) {
    box.start = {std::min(box.start.x, point.x), std::min(box.start.y, point.y)};
    box.stop = {std::max(box.stop.x, point.x + 1), std::max(box.stop.y, point.y + 1)};
  }
  return box;
}

Range candidate_range(const tissue::Ring& outline, Size slide_size, const Grid& grid, bool use_padding) {
  Range range = bounding_box(outline);
  if (!use_padding) {
    range.stop.x = std::min(range.stop.x, slide_size.width - grid.patch.width + 1);
    range.stop.y = std::min(range.stop.y, slide_size.height - grid.patch.height + 1);
  }
  return range;
}

std::int64_t steps(std::int64_t start, std::int64_t stop, std::int64_t step) {
  return stop <= start ? 0 : (stop - start + step - 1) / step;
}

// The points that a contour test looks at, against the patch's top-left corner. `size` is the patch's width: CLAM hands
// its tests the size of the x axis only.
std::vector<Level0Point> tested_offsets(ContourTest test, std::int64_t size) {
  const std::int64_t center = size / 2;
  const std::int64_t shift = size / 2 / 2;
  if (test == ContourTest::Basic) return {{0, 0}};
  if (test == ContourTest::Center || shift == 0) return {{center, center}};
  return {{center - shift, center - shift},
          {center + shift, center + shift},
          {center + shift, center - shift},
          {center - shift, center + shift}};
}

class Acceptance {
 public:
  Acceptance(const tissue::Contour& contour, std::int64_t size, ContourTest test)
      : size_(size),
        all_(test == ContourTest::FourPointHard),
        offsets_(tested_offsets(test, size)),
        outline_(contour.outline) {
    for (const tissue::Ring& hole : contour.holes) holes_.emplace_back(hole);
  }

  bool operator()(Level0Point corner) const { return in_outline(corner) && !in_hole(corner); }

 private:
  // The boundary counts as inside.
  bool in_outline(Level0Point corner) const {
    const auto inside = [&](Level0Point offset) {
      return outline_.side_of({corner.x + offset.x, corner.y + offset.y}) != Side::Outside;
    };
    return all_ ? std::ranges::all_of(offsets_, inside) : std::ranges::any_of(offsets_, inside);
  }
  // The patch's centre, half pixels and all; the boundary of a hole is not in it.
  bool in_hole(Level0Point corner) const {
    return std::ranges::any_of(holes_, [&](const RingIndex& hole) {
      return hole.side_of_doubled(2 * corner.x + size_, 2 * corner.y + size_) == Side::Inside;
    });
  }

  std::int64_t size_;
  bool all_;
  std::vector<Level0Point> offsets_;
  RingIndex outline_;
  std::vector<RingIndex> holes_;
};

}  // namespace

Grid resolve_grid(const slide::Slide& slide, const TileOptions& options, const PixelRule& pixels) {
  const Downsample downsample = slide.levels().at(static_cast<std::size_t>(pixels.level)).downsample_xy;
  const std::int64_t step = options.step_size > 0 ? options.step_size : options.patch_size;
  const auto covered = [&](std::int64_t size, double factor) -> std::int64_t {
    if (options.patch_level >= 0) return size * static_cast<std::int64_t>(factor);
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(size) * factor));
  };
  return {{covered(pixels.read_size, downsample.x), covered(pixels.read_size, downsample.y)},
          {covered(step, downsample.x), covered(step, downsample.y)}};
}

std::vector<Level0Point> contour_points(const tissue::Contour& contour, Size slide_size, const Grid& grid,
                                        const TileOptions& options) {
  std::vector<Level0Point> points;
  if (contour.outline.empty()) return points;
  const Range range = candidate_range(contour.outline, slide_size, grid, options.use_padding);
  const std::int64_t columns = steps(range.start.x, range.stop.x, grid.step.width);
  const std::int64_t rows = steps(range.start.y, range.stop.y, grid.step.height);
  if (columns > 0 && rows > kMostCandidates / columns) {
    throw Error(
        ErrorCode::Unsupported,
        fmt::format("a grid of {} x {} places in one contour is too fine; choose a larger --step_size", columns, rows));
  }
  const Acceptance accepts(contour, grid.patch.width, options.contour_fn);
  for (std::int64_t column = 0; column < columns; ++column) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const Level0Point corner{range.start.x + column * grid.step.width, range.start.y + row * grid.step.height};
      if (accepts(corner)) points.push_back(corner);
    }
  }
  return points;
}

Coordinates find_coordinates(const slide::Slide& slide, const tissue::Tissue& tissue, const TileOptions& options) {
  Coordinates coordinates;
  coordinates.pixels = resolve_pixels(slide, options);
  const Grid grid = resolve_grid(slide, options, coordinates.pixels);
  coordinates.contours = std::ssize(tissue.contours);
  for (const tissue::Contour& contour : tissue.contours) {
    const std::vector<Level0Point> points = contour_points(contour, slide.size(), grid, options);
    coordinates.per_contour.push_back(std::ssize(points));
    coordinates.points.insert(coordinates.points.end(), points.begin(), points.end());
  }
  return coordinates;
}

}  // namespace hipt::tiling
