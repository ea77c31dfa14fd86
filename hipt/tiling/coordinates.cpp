#include <algorithm>
#include <cmath>

#include "hipt/base/sha256.h"
#include "hipt/tiling/grid.h"
#include "hipt/tiling/plain_patch.h"

namespace hipt::tiling {
namespace {

// TRIDENT's tolerance of the simplification: a quarter of the patch's side in target pixels, taken as pixels of level 0
// whatever the magnification.
std::vector<Polygon> simplified(const tissue::Tissue& tissue, std::int64_t patch_size) {
  std::vector<Polygon> polygons = polygons_of(tissue);
  for (Polygon& polygon : polygons) polygon = simplify(polygon, static_cast<double>(patch_size) / 4);
  return polygons;
}

class Finder {
 public:
  Finder(const slide::Slide& slide, const tissue::Tissue& tissue, const TileOptions& options)
      : slide_(slide),
        tissue_(tissue),
        options_(options),
        grid_(resolve_grid(resolve_scale(slide, options), options)),
        pixels_(resolve_pixels(slide, options)) {}

  void find(Coordinates& coordinates) const {
    options_.grid == GridKind::Contour ? on_contours(coordinates) : on_global_grid(coordinates);
  }

  const Grid& grid() const { return grid_; }

 private:
  void on_contours(Coordinates& coordinates) const {
    std::optional<TissueArea> area;
    if (options_.tissue_fraction > 0) area.emplace(polygons_of(tissue_));
    for (const tissue::Contour& contour : tissue_.contours) {
      std::vector<Level0Point> points = contour_points(contour, slide_.size(), grid_, options_);
      if (area) {
        std::erase_if(points,
                      [&](Level0Point point) { return area->fraction(point, grid_.patch) < options_.tissue_fraction; });
      }
      drop_plain(points);
      if (std::ssize(points) < options_.min_patches_per_contour) points.clear();
      coordinates.per_contour.push_back(std::ssize(points));
      coordinates.points.insert(coordinates.points.end(), points.begin(), points.end());
    }
  }

  void on_global_grid(Coordinates& coordinates) const {
    const TissueArea area(simplified(tissue_, options_.patch_size));
    coordinates.points = global_points(area, slide_.size(), grid_, options_);
    drop_plain(coordinates.points);
  }

  void drop_plain(std::vector<Level0Point>& points) const {
    if (!options_.white_thresh && !options_.black_thresh) return;
    std::erase_if(points, [&](Level0Point point) {
      return is_plain(read_patch(slide_, pixels_, point).view(), options_.white_thresh, options_.black_thresh);
    });
  }

  const slide::Slide& slide_;
  const tissue::Tissue& tissue_;
  const TileOptions& options_;
  Grid grid_;
  PixelRule pixels_;
};

// Each region's cells in the place of its corner: patch i * side + j is row i and column j, as ViT-4096 takes them.
void split_regions(Size region, std::int64_t side, Coordinates& coordinates) {
  const auto offset = [&](std::int64_t length, std::int64_t cell) {
    return std::llround(static_cast<double>(length) * static_cast<double>(cell) / static_cast<double>(side));
  };
  std::vector<Level0Point> cells;
  cells.reserve(coordinates.points.size() * static_cast<std::size_t>(side * side));
  for (const Level0Point corner : coordinates.points) {
    for (std::int64_t row = 0; row < side; ++row) {
      for (std::int64_t column = 0; column < side; ++column)
        cells.push_back({corner.x + offset(region.width, column), corner.y + offset(region.height, row)});
    }
  }
  coordinates.points = std::move(cells);
  for (std::int64_t& count : coordinates.per_contour) count *= side * side;
}

}  // namespace

Coordinates find_coordinates(const slide::Slide& slide, const tissue::Tissue& tissue, const TileOptions& options) {
  Coordinates coordinates;
  coordinates.pixels = resolve_pixels(slide, options);
  coordinates.contours = std::ssize(tissue.contours);
  if (!options.align_regions) {
    Finder(slide, tissue, options).find(coordinates);
    return coordinates;
  }
  const TileOptions regions = region_options(options);
  const Finder finder(slide, tissue, regions);
  finder.find(coordinates);
  split_regions(finder.grid().patch, options.region_size / options.patch_size, coordinates);
  return coordinates;
}

}  // namespace hipt::tiling
