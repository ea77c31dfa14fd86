#include "hipt/tiling/grid.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/tiling/ring_index.h"

namespace hipt::tiling {
namespace {

constexpr std::int64_t kMostCandidates = 1'000'000'000;  // of one grid

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

// The region of interest, as CLAM's process_contour takes it: a contour's grid then begins at its corner.
void clamp_to_roi(const TileOptions& options, Range& range) {
  if (!options.top_left.empty()) {
    range.start = {std::max(range.start.x, options.top_left[0]), std::max(range.start.y, options.top_left[1])};
  }
  if (!options.bot_right.empty()) {
    range.stop = {std::min(range.stop.x, options.bot_right[0]), std::min(range.stop.y, options.bot_right[1])};
  }
}

bool contains(const Range& range, Level0Point corner) {
  return corner.x >= range.start.x && corner.x < range.stop.x && corner.y >= range.start.y && corner.y < range.stop.y;
}

Range candidate_range(const tissue::Ring& outline, Size slide_size, const Grid& grid, const TileOptions& options) {
  Range range = bounding_box(outline);
  if (!options.use_padding) {
    range.stop.x = std::min(range.stop.x, slide_size.width - grid.patch.width + 1);
    range.stop.y = std::min(range.stop.y, slide_size.height - grid.patch.height + 1);
  }
  clamp_to_roi(options, range);
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

// Halves to even, as TRIDENT's Python rounds; whole factors stay exact.
std::int64_t covered(std::int64_t size, double factor) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(size) * factor));
}

void require_feasible(std::int64_t columns, std::int64_t rows, std::string_view where) {
  if (columns <= 0 || rows <= kMostCandidates / columns) return;
  throw Error(ErrorCode::Unsupported, fmt::format("a grid of {} x {} places in {} is too fine; choose a larger "
                                                  "--step_size",
                                                  columns, rows, where));
}

}  // namespace

Grid resolve_grid(const Scale& scale, const TileOptions& options) {
  const std::int64_t overlap = options.step_size > 0 ? options.patch_size - options.step_size : 0;
  const auto patch = [&](double factor) { return std::max<std::int64_t>(1, covered(options.patch_size, factor)); };
  const auto step = [&](double factor) { return std::max<std::int64_t>(1, patch(factor) - covered(overlap, factor)); };
  return {{patch(scale.covers.x), patch(scale.covers.y)}, {step(scale.covers.x), step(scale.covers.y)}};
}

TileOptions region_options(const TileOptions& options) {
  TileOptions regions = options;
  regions.align_regions = false;
  regions.patch_size = options.region_size;
  regions.step_size = 0;
  return regions;
}

std::vector<Level0Point> contour_points(const tissue::Contour& contour, Size slide_size, const Grid& grid,
                                        const TileOptions& options) {
  std::vector<Level0Point> points;
  if (contour.outline.empty()) return points;
  const Range range = candidate_range(contour.outline, slide_size, grid, options);
  const std::int64_t columns = steps(range.start.x, range.stop.x, grid.step.width);
  const std::int64_t rows = steps(range.start.y, range.stop.y, grid.step.height);
  require_feasible(columns, rows, "one contour");
  const Acceptance accepts(contour, grid.patch.width, options.contour_fn);
  for (std::int64_t column = 0; column < columns; ++column) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const Level0Point corner{range.start.x + column * grid.step.width, range.start.y + row * grid.step.height};
      if (accepts(corner)) points.push_back(corner);
    }
  }
  return points;
}

std::vector<Level0Point> global_points(const TissueArea& area, Size slide_size, const Grid& grid,
                                       const TileOptions& options) {
  Range range{{0, 0}, {slide_size.width, slide_size.height}};
  if (!options.use_padding) {
    range.stop = {slide_size.width - grid.patch.width + 1, slide_size.height - grid.patch.height + 1};
  }
  const std::int64_t columns = steps(0, range.stop.x, grid.step.width);
  const std::int64_t rows = steps(0, range.stop.y, grid.step.height);
  require_feasible(columns, rows, "the slide");
  clamp_to_roi(options, range);
  std::vector<Level0Point> points;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      const Level0Point corner{column * grid.step.width, row * grid.step.height};
      if (!contains(range, corner)) continue;
      const bool kept = options.tissue_fraction > 0 ? area.fraction(corner, grid.patch) >= options.tissue_fraction
                                                    : area.touches(corner, grid.patch);
      if (kept) points.push_back(corner);
    }
  }
  return points;
}

}  // namespace hipt::tiling
