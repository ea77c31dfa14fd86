#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "hipt/base/array.h"
#include "hipt/base/sha256.h"
#include "hipt/base/version.h"
#include "hipt/cohort/output.h"
#include "hipt/io/atomic_file.h"
#include "hipt/tiling/grid.h"

namespace hipt::tiling {
namespace {

constexpr std::string_view kDataset = "coords";
constexpr std::int64_t kLargestSize = 100'000'000;  // px a side that a file may ask for

Array rows_of(const Coordinates& coordinates) {
  Array rows = Array::of<std::int64_t>({std::ssize(coordinates.points), 2});
  const std::span<std::int64_t> values = rows.as_mutable<std::int64_t>();
  for (std::size_t i = 0; i < coordinates.points.size(); ++i) {
    values[2 * i] = coordinates.points[i].x;
    values[2 * i + 1] = coordinates.points[i].y;
  }
  return rows;
}

template <class Integer>
std::vector<Level0Point> points_of(const Array& rows) {
  const std::span<const Integer> values = rows.as<Integer>();
  std::vector<Level0Point> points(values.size() / 2);
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {values[2 * i], values[2 * i + 1]};
  return points;
}

std::vector<Level0Point> read_points(const io::Hdf5File& h5) {
  const std::string name(kDataset);
  if (!h5.has_dataset(name)) throw Error(ErrorCode::Corrupt, "no dataset coords");
  const Shape shape = h5.dataset_shape(name);
  const DType dtype = h5.dataset_dtype(name);
  const bool integers = dtype == DType::Int64 || dtype == DType::Int32;
  if (shape.size() != 2 || shape[1] != 2 || !integers) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("dataset coords is {} {}, expected int64 [N, 2]", to_string(dtype), to_string(shape)));
  }
  const Array rows = h5.read_dataset(name);
  return dtype == DType::Int64 ? points_of<std::int64_t>(rows) : points_of<std::int32_t>(rows);
}

std::int64_t whole_number(const io::Attributes& attributes, std::string_view name, std::int64_t least,
                          std::int64_t most) {
  const auto value = io::find_attribute<std::int64_t>(attributes, name);
  if (!value) throw Error(ErrorCode::Corrupt, fmt::format("coords has no whole number {}", name));
  if (*value < least || *value > most) {
    throw Error(ErrorCode::Corrupt, fmt::format("coords: {} = {}, expected {} to {}", name, *value, least, most));
  }
  return *value;
}

// CLAM and hipt name a level; the patch_size of files with custom_downsample is that after reduction, and hipt gives
// the size after reduction in target_patch_size. TRIDENT gives the size on level 0.
PixelRule pixels_of(const io::Attributes& attributes) {
  PixelRule pixels;
  pixels.patch_size = whole_number(attributes, "patch_size", 1, kLargestSize);
  if (io::find_attribute<std::int64_t>(attributes, "patch_level")) {
    pixels.level = static_cast<int>(whole_number(attributes, "patch_level", 0, 100));
    const bool reduced = io::find_attribute<std::int64_t>(attributes, "custom_downsample").has_value();
    pixels.read_size = pixels.patch_size * (reduced ? whole_number(attributes, "custom_downsample", 1, 1000) : 1);
    if (io::find_attribute<std::int64_t>(attributes, "target_patch_size"))
      pixels.patch_size = whole_number(attributes, "target_patch_size", 1, kLargestSize);
  } else if (io::find_attribute<std::int64_t>(attributes, "patch_size_level0")) {
    pixels.read_size = whole_number(attributes, "patch_size_level0", 1, kLargestSize);
  } else {
    throw Error(ErrorCode::Corrupt, "coords has neither patch_level (CLAM, hipt) nor patch_size_level0 (TRIDENT)");
  }
  return pixels;
}

// Whole where it is meant to be: 20 / 3.9990 is 5x.
io::AttributeValue magnification_value(double magnification) {
  const double whole = std::round(magnification);
  if (whole >= 1 && std::abs(magnification - whole) <= 0.01 * whole) return static_cast<std::int64_t>(whole);
  return magnification;
}

// What a px of level 0 and of the target measure, as far as the slide tells.
void add_scales(const slide::Slide& slide, const TileOptions& options, const PixelRule& pixels,
                io::Attributes& attributes) {
  const double downsample = slide.levels().at(static_cast<std::size_t>(pixels.level)).downsample *
                            static_cast<double>(pixels.read_size) / static_cast<double>(pixels.patch_size);
  if (const std::optional<double> magnification = slide_magnification(slide)) {
    attributes.emplace_back("level0_magnification", magnification_value(*magnification));
    attributes.emplace_back("target_magnification", magnification_value(*magnification / downsample));
  }
  if (!slide.mpp()) return;
  attributes.emplace_back("level0_mpp", slide.mpp()->value);
  attributes.emplace_back("patch_mpp", slide.mpp()->value * downsample);
  if (options.patch_level < 0 && options.mpp) attributes.emplace_back("target_mpp", *options.mpp);
}

}  // namespace

std::string coordinates_sha256(const Coordinates& coordinates) {
  const Array rows = rows_of(coordinates);
  return sha256_hex({rows.bytes(), rows.byte_size()});
}

io::Attributes coordinate_attributes(const slide::Slide& slide, const TileOptions& options, const PixelRule& pixels) {
  const slide::Level& level = slide.levels().at(static_cast<std::size_t>(pixels.level));
  const std::vector<std::int64_t> level_size = {level.size.width, level.size.height};
  const std::int64_t step = options.step_size > 0 ? options.step_size : options.patch_size;
  // By patch_level the grid counts truncated pixels; this is what a patch shows.
  const std::int64_t covered = options.patch_level >= 0
                                   ? std::llround(static_cast<double>(pixels.read_size) * level.downsample)
                                   : resolve_grid(resolve_scale(slide, options), options).patch.width;
  // No path of this machine: bytes are a function of the inputs.
  const std::string folder = "patches";
  io::Attributes attributes = {
      {"patch_size", pixels.read_size},
      {"patch_level", std::int64_t{pixels.level}},
      {"downsample", std::vector<double>{level.downsample_xy.x, level.downsample_xy.y}},
      {"downsampled_level_dim", level_size},
      {"level_dim", level_size},
      {"name", slide.id()},
      {"save_path", folder},
      {"custom_downsample", std::int64_t{1}},
      {"patch_size_level0", covered},
      {"overlap", options.patch_size - step},
      {"level0_width", slide.size().width},
      {"level0_height", slide.size().height},
      {"savetodir", folder},
      {"target_patch_size", pixels.patch_size},
  };
  if (options.align_regions) attributes.emplace_back("region_size", options.region_size);
  add_scales(slide, options, pixels, attributes);
  return attributes;
}

void write_coordinates(const std::filesystem::path& file, const slide::Slide& slide, const TileOptions& options,
                       const Coordinates& coordinates, const cohort::Fingerprint& fingerprint,
                       const std::function<bool()>& still_ours) {
  io::Attributes ours = {{"hipt_fingerprint", fingerprint.json()},
                         {"hipt_version", std::string(version())},
                         {"hipt_contours", coordinates.contours}};
  if (!coordinates.reason.empty()) ours.emplace_back("hipt_reason", coordinates.reason);
  const std::string name(kDataset);
  io::AtomicFile output(file);
  io::Hdf5File h5 = io::Hdf5File::create(output.temporary_path());
  h5.create_dataset(name, DType::Int64, {2}, 1);
  if (!coordinates.points.empty()) h5.append_rows(name, rows_of(coordinates));
  h5.write_attributes(name, coordinate_attributes(slide, options, coordinates.pixels));
  h5.write_attributes("/", ours);
  h5.close();
  cohort::commit_if_ours(output, still_ours);
}

Coordinates read_coordinates(const std::filesystem::path& file, std::optional<cohort::Fingerprint>* fingerprint) {
  return with_context(file.string(), [&] {
    const io::Hdf5File h5 = io::Hdf5File::open(file);
    Coordinates coordinates;
    coordinates.points = read_points(h5);
    coordinates.pixels = pixels_of(h5.read_attributes(std::string(kDataset)));
    const io::Attributes ours = h5.read_attributes("/");
    coordinates.contours = io::find_attribute<std::int64_t>(ours, "hipt_contours").value_or(0);
    coordinates.reason = io::find_attribute<std::string>(ours, "hipt_reason").value_or("");
    if (fingerprint != nullptr) {
      const auto json = io::find_attribute<std::string>(ours, "hipt_fingerprint");
      *fingerprint = json ? cohort::Fingerprint::parse(*json) : std::nullopt;
    }
    return coordinates;
  });
}

}  // namespace hipt::tiling
