#include "hipt/encode/overview.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "hipt/encode/feature_file.h"
#include "hipt/encode/principal_components.h"
#include "hipt/image/draw.h"

namespace hipt::encode {
namespace {

constexpr int kPanelPx = 1024;  // longest side of a panel
constexpr int kGapPx = 16;      // white between the panels
constexpr image::Colour kTissueColour{0, 255, 0};
constexpr image::Colour kHoleColour{0, 0, 255};
constexpr image::Colour kBorderColour{40, 40, 40};

// From level-0 pixels to pixels of a panel.
struct Panel {
  double scale_x = 1.0;
  double scale_y = 1.0;
  int x(double level0) const { return static_cast<int>(std::lround(level0 * scale_x)); }
  int y(double level0) const { return static_cast<int>(std::lround(level0 * scale_y)); }
};

image::RgbImage thumbnail(const slide::Slide& slide) {
  const Size size = slide.size();
  const double factor = static_cast<double>(std::max(size.width, size.height)) / kPanelPx;
  const int level = slide.best_level_for_downsample(std::max(1.0, factor));
  const image::RgbImage whole = slide.read_region({0, 0}, level, slide.levels()[static_cast<std::size_t>(level)].size);
  const double reduction = std::max(1.0, factor);
  const int width = std::max(1, static_cast<int>(std::lround(static_cast<double>(size.width) / reduction)));
  const int height = std::max(1, static_cast<int>(std::lround(static_cast<double>(size.height) / reduction)));
  return image::resize_area(whole.view(), width, height);
}

std::vector<image::PixelPoint> to_panel(const tissue::Ring& ring, const Panel& panel) {
  std::vector<image::PixelPoint> points;
  for (const Level0Point& point : ring) {
    points.push_back({panel.x(static_cast<double>(point.x)), panel.y(static_cast<double>(point.y))});
  }
  return points;
}

void draw_tissue(image::RgbImage& picture, const tissue::Tissue& tissue, const Panel& panel) {
  for (const tissue::Contour& contour : tissue.contours) {
    const std::vector<image::PixelPoint> outline = to_panel(contour.outline, panel);
    image::draw_rings(picture, {&outline, 1}, kTissueColour, 2);
    std::vector<std::vector<image::PixelPoint>> holes;
    for (const tissue::Ring& hole : contour.holes) holes.push_back(to_panel(hole, panel));
    image::draw_rings(picture, holes, kHoleColour, 2);
  }
}

// A square of the slide as a rectangle of the panel; shared edges fall on the same pixel, so squares leave no gaps.
struct Rectangle {
  int x, y, width, height;
};
Rectangle square_on(const Panel& panel, double x, double y, double side) {
  const int left = panel.x(x);
  const int top = panel.y(y);
  return {left, top, panel.x(x + side) - left, panel.y(y + side) - top};
}

void draw_borders(image::RgbImage& picture, const tiling::Coordinates& coordinates, double side, const Panel& panel) {
  std::vector<std::vector<image::PixelPoint>> squares;
  for (const Level0Point& point : coordinates.points) {
    const Rectangle r = square_on(panel, static_cast<double>(point.x), static_cast<double>(point.y), side);
    squares.push_back({{r.x, r.y}, {r.x + r.width, r.y}, {r.x + r.width, r.y + r.height}, {r.x, r.y + r.height}});
  }
  image::draw_rings(picture, squares, kBorderColour, 1);
}

// The table of patch features in a .pt or .h5: regions [M, n, dim] count as M * n patches.
struct PatchFeatures {
  FeatureTable table;
  std::int64_t patches_per_row = 1;
};

PatchFeatures open_features(const std::filesystem::path& file) {
  const FeatureRows rows = open_feature_rows(file);
  PatchFeatures features;
  features.patches_per_row = rows.shape.size() == 3 ? rows.shape[1] : 1;
  features.table.dim = rows.shape.back();
  features.table.rows = rows.shape[0] * features.patches_per_row;
  features.table.read = [read_rows = rows.read, per_row = features.patches_per_row, dim = rows.shape.back()](
                            std::int64_t first, std::int64_t count) {
    const std::int64_t first_row = first / per_row;
    const std::int64_t last_row = (first + count - 1) / per_row;
    const Array values = read_rows(first_row, last_row - first_row + 1);
    Array part(DType::Float32, {count, dim});
    std::memcpy(part.mutable_bytes(),
                values.bytes() + static_cast<std::size_t>((first - first_row * per_row) * dim) * sizeof(float),
                part.byte_size());
    return part;
  };
  return features;
}

void paint_features(image::RgbImage& picture, const tiling::Coordinates& coordinates, double side,
                    const PatchFeatures& features, const Panel& panel) {
  const std::vector<float> colours = component_colours(features.table);
  const auto per_side =
      static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(features.patches_per_row))));
  const double patch_side = side / static_cast<double>(per_side);
  for (std::size_t row = 0; row < coordinates.points.size(); ++row) {
    for (std::int64_t patch = 0; patch < features.patches_per_row; ++patch) {
      const float* colour = colours.data() + 3 * (row * static_cast<std::size_t>(features.patches_per_row) +
                                                  static_cast<std::size_t>(patch));
      const Rectangle r = square_on(
          panel, static_cast<double>(coordinates.points[row].x) + static_cast<double>(patch % per_side) * patch_side,
          static_cast<double>(coordinates.points[row].y) + static_cast<double>(patch / per_side) * patch_side,
          patch_side);
      const auto byte = [](float value) { return static_cast<std::uint8_t>(std::lround(255.0f * value)); };
      image::fill_rectangle(picture, r.x, r.y, r.width, r.height, {byte(colour[0]), byte(colour[1]), byte(colour[2])});
    }
  }
}

}  // namespace

void write_overview(const std::filesystem::path& file, const slide::Slide& slide, const tissue::Tissue& tissue,
                    const tiling::Coordinates& coordinates, const std::filesystem::path& features,
                    const cohort::Fingerprint& fingerprint, const cohort::StillOurs& still_ours) {
  image::RgbImage left = thumbnail(slide);
  image::RgbImage right = left;
  const Panel panel{static_cast<double>(left.width()) / static_cast<double>(slide.size().width),
                    static_cast<double>(left.height()) / static_cast<double>(slide.size().height)};
  const double side = static_cast<double>(coordinates.pixels.read_size) *
                      slide.levels()[static_cast<std::size_t>(coordinates.pixels.level)].downsample;
  draw_borders(left, coordinates, side, panel);
  draw_tissue(left, tissue, panel);
  if (!coordinates.points.empty()) paint_features(right, coordinates, side, open_features(features), panel);
  draw_tissue(right, tissue, panel);

  image::RgbImage picture(left.width() + kGapPx + right.width(), left.height());
  image::fill_rectangle(picture, 0, 0, picture.width(), picture.height(), {255, 255, 255});
  image::paste(picture, 0, 0, left.view());
  image::paste(picture, left.width() + kGapPx, 0, right.view());
  cohort::write_picture(file, picture.view(), fingerprint, {}, still_ours);
}

}  // namespace hipt::encode
