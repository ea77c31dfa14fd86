#include "hipt/tissue/given.h"

#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/image/png.h"
#include "hipt/io/geojson.h"
#include "hipt/tissue/segmentation.h"

namespace hipt::tissue {
namespace {

bool is_picture(const std::filesystem::path& file) {
  return file.extension() == ".png";
}

Ring whole_pixels(const io::DrawnRing& drawn) {
  Ring ring;
  ring.reserve(drawn.size());
  for (const io::DrawnPoint point : drawn) ring.push_back({std::llround(point.x), std::llround(point.y)});
  return ring;
}

// What to say when no polygon was taken. It goes into outputs, so it does not name the file.
std::string nothing_of(const std::vector<io::DrawnPolygon>& polygons, const std::string& wanted) {
  if (polygons.empty()) return "the file of --tissue_from holds no polygon";
  std::set<std::string> names;
  for (const io::DrawnPolygon& polygon : polygons) {
    for (const std::string& name : {polygon.classification, polygon.name}) {
      if (!name.empty()) names.insert(name);
    }
  }
  return fmt::format(
      "none of the {} polygons of --tissue_from has the --tissue_class {}; {}", polygons.size(), wanted,
      names.empty() ? "they have neither class nor name" : fmt::format("there are: {}", fmt::join(names, ", ")));
}

Tissue read_polygons(const std::filesystem::path& file, const std::string& wanted) {
  const std::vector<io::DrawnPolygon> polygons = io::read_polygons(file);
  Tissue tissue;
  for (const io::DrawnPolygon& polygon : polygons) {
    if (!wanted.empty() && polygon.classification != wanted && polygon.name != wanted) continue;
    Contour contour;
    contour.outline = whole_pixels(polygon.rings.front());
    for (std::size_t i = 1; i < polygon.rings.size(); ++i) contour.holes.push_back(whole_pixels(polygon.rings[i]));
    contour.drawn = polygon.rings;
    tissue.contours.push_back(std::move(contour));
  }
  if (tissue.contours.empty()) tissue.nothing_given = nothing_of(polygons, wanted);
  return tissue;
}

Tissue trace_mask(const std::filesystem::path& file, Size slide) {
  const image::RgbImage picture = image::read_png(file);
  Plane plane{picture.width(), picture.height(), {}};
  plane.values.resize(static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(plane.height));
  const std::uint8_t* rgb = picture.data();
  for (std::uint8_t& value : plane.values) {
    value = (rgb[0] | rgb[1] | rgb[2]) != 0 ? 255 : 0;
    rgb += 3;
  }
  TissueOptions all;
  all.a_t = 0;
  all.a_h = 0;
  all.max_n_holes = std::numeric_limits<std::int64_t>::max();
  const Downsample scale{static_cast<double>(slide.width) / plane.width,
                         static_cast<double>(slide.height) / plane.height};
  Tissue tissue = find_contours(plane, scale, all);
  if (tissue.contours.empty()) {
    tissue.nothing_given = "the mask of --tissue_from has no area that is not black";
  }
  return tissue;
}

}  // namespace

std::filesystem::path given_file(const slide::Slide& slide, const TissueOptions& options) {
  const std::filesystem::path given = options.tissue_from;
  std::error_code ignored;
  if (std::filesystem::is_directory(given, ignored)) {
    const std::filesystem::path polygons = given / (slide.id() + ".geojson");
    const std::filesystem::path mask = given / (slide.id() + ".png");
    const bool polygons_there = std::filesystem::exists(polygons, ignored);
    const bool mask_there = std::filesystem::exists(mask, ignored);
    if (polygons_there && mask_there) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("--tissue_from {}: holds both {} and {}; keep one of them", given.string(),
                              polygons.filename().string(), mask.filename().string()));
    }
    if (polygons_there || mask_there) return polygons_there ? polygons : mask;
    throw Error(ErrorCode::NotFound, fmt::format("--tissue_from {}: holds neither {} nor {}", given.string(),
                                                 polygons.filename().string(), mask.filename().string()));
  }
  if (!std::filesystem::exists(given, ignored)) {
    throw Error(ErrorCode::NotFound, fmt::format("--tissue_from {}: there is no such file or folder", given.string()));
  }
  const std::string kind = given.extension().string();
  if (kind != ".geojson" && kind != ".json" && kind != ".png") {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--tissue_from {}: name a .geojson, a mask .png, or a folder with <slide>.geojson or "
                            "<slide>.png",
                            given.string()));
  }
  return given;
}

Tissue read_given(const slide::Slide& slide, const TissueOptions& options) {
  const std::filesystem::path file = given_file(slide, options);
  if (!is_picture(file)) return read_polygons(file, options.tissue_class);
  if (!options.tissue_class.empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("--tissue_class {}: a mask picture such as {} has no classes",
                                                        options.tissue_class, file.string()));
  }
  return trace_mask(file, slide.size());
}

}  // namespace hipt::tissue
