// hipt info: what a slide says about itself, and what the other verbs will make of it.

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/slide/slide.h"
#include "hipt/slide/whole_level.h"
#include "hipt/tiling/grid.h"
#include "hipt/tiling/tiling.h"

#include "cli/parser.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kTargetMagnification = 20;
constexpr std::int64_t kPatch = 256;
constexpr std::int64_t kRegion = 4096;

struct InfoOptions {
  bool json = false;
  bool properties = false;
  slide::ReaderChoice reader = slide::ReaderChoice::Auto;
};

template <class Visitor>
void describe(InfoOptions& o, Visitor& v) {
  v(o.json, {.name = "json", .help = "as JSON, with every property of the file", .affects = Affects::HowItRuns});
  v(o.properties, {.name = "properties", .help = "every property of the file too", .affects = Affects::HowItRuns});
  v(o.reader, slide::kReaderField);
}

// How patches of `size` px at 20x are read, and how many lie whole on the slide, edge to edge.
struct Sampling {
  tiling::PixelRule pixels;
  std::int64_t count = 0;
};

// Nothing when the slide does not tell its magnification.
std::optional<Sampling> sampling(const slide::Slide& slide, std::int64_t size) {
  if (!tiling::slide_magnification(slide)) return std::nullopt;
  tiling::TileOptions options;
  options.mag = kTargetMagnification;
  options.patch_size = size;
  const Size patch = tiling::resolve_grid(tiling::resolve_scale(slide, options), options).patch;
  return Sampling{tiling::resolve_pixels(slide, options),
                  (slide.size().width / patch.width) * (slide.size().height / patch.height)};
}

slide::WholeLevel segmentation_level(const slide::Slide& slide) {
  return slide::whole_level(slide, tissue::resolve_level(slide, -1, "seg_level"));
}

// Bytes of the slide's file; 0 for a folder.
std::uintmax_t file_bytes(const slide::Slide& slide) {
  std::error_code failure;
  const std::uintmax_t bytes = std::filesystem::file_size(slide.path(), failure);
  return failure ? 0 : bytes;
}

// "openslide.level[1].tile-width", when the reader tells it.
std::string tile_size(const slide::Slide& slide, std::size_t level) {
  const auto side = [&](std::string_view axis) {
    const auto found = slide.properties().find(fmt::format("openslide.level[{}].tile-{}", level, axis));
    return found == slide.properties().end() ? std::string() : found->second;
  };
  return side("width").empty() ? "-" : fmt::format("{} x {}", side("width"), side("height"));
}

void print_scale(const slide::Slide& slide) {
  const auto& mpp = slide.mpp();
  const auto magnification = tiling::slide_magnification(slide);
  fmt::print("size        {} x {} px", slide.size().width, slide.size().height);
  if (mpp) {
    const double millimetres = mpp->value / 1000.0;
    fmt::print(", {:.2f} x {:.2f} mm", static_cast<double>(slide.size().width) * millimetres,
               static_cast<double>(slide.size().height) * millimetres);
  }
  fmt::print("\nresolution  {}\n", mpp ? fmt::format("{:.6g} um/px ({})", mpp->value, mpp->source)
                                       : "not in the file; a column mpp in a CSV of slides can say it");
  fmt::print("objective   {}\n", slide.objective_power() ? fmt::format("{:g}x", *slide.objective_power())
                                 : magnification ? fmt::format("not in the file; {:g}x by um/px", *magnification)
                                                 : std::string("not in the file"));
}

void print_use(const slide::Slide& slide) {
  const slide::WholeLevel level = segmentation_level(slide);
  fmt::print("tissue      found on level {}{}, {} x {} px\n", level.level,
             level.reduction > 1 ? fmt::format(" seen {} times smaller", level.reduction) : "", level.size.width,
             level.size.height);
  const auto patches = sampling(slide, kPatch);
  const auto regions = sampling(slide, kRegion);
  if (!patches || !regions) {
    fmt::print("at {:g}x      not known without resolution or objective\n", kTargetMagnification);
    return;
  }
  const auto read = [](const tiling::PixelRule& pixels) {
    return pixels.read_size == pixels.patch_size ? std::string() : fmt::format(" (reduced from {})", pixels.read_size);
  };
  fmt::print("at {:g}x      level {}; {} patches of {} px{} and {} regions of {} px{} fit on the slide\n",
             kTargetMagnification, patches->pixels.level, patches->count, kPatch, read(patches->pixels), regions->count,
             kRegion, read(regions->pixels));
}

void print_text(const slide::Slide& slide, bool properties) {
  fmt::print("slide       {}\n", slide.id());
  if (const auto bytes = file_bytes(slide)) fmt::print("file        {:.1f} MB\n", static_cast<double>(bytes) / 1e6);
  fmt::print("format      {}, read by {}\n", slide.format(), slide.reader());
  print_scale(slide);
  print_use(slide);
  const auto magnification = tiling::slide_magnification(slide);
  fmt::print("\n{:>5} {:>9} {:>9} {:>11} {:>9} {:>8} {:>12}\n", "level", "width", "height", "downsample", "um/px",
             "about", "tiles");
  for (std::size_t i = 0; i < slide.levels().size(); ++i) {
    const slide::Level& level = slide.levels()[i];
    fmt::print("{:>5} {:>9} {:>9} {:>11.6g} {:>9} {:>8} {:>12}\n", i, level.size.width, level.size.height,
               level.downsample, slide.mpp() ? fmt::format("{:.4g}", slide.mpp()->value * level.downsample) : "-",
               magnification ? fmt::format("{:.3g}x", *magnification / level.downsample) : "-", tile_size(slide, i));
  }
  if (!slide.associated_images().empty()) fmt::print("\nassociated images\n");
  for (const auto& [name, size] : slide.associated_images()) {
    fmt::print("  {:<12}{} x {} px\n", name, size.width, size.height);
  }
  if (properties && !slide.properties().empty()) fmt::print("\nproperties\n");
  for (const auto& [name, value] : slide.properties()) {
    if (properties) fmt::print("  {}: {}\n", name, value);
  }
}

Json levels_json(const slide::Slide& slide) {
  Json levels = Json::array();
  for (const slide::Level& level : slide.levels()) {
    levels.push_back({{"width", level.size.width},
                      {"height", level.size.height},
                      {"downsample", level.downsample},
                      {"downsample_x", level.downsample_xy.x},
                      {"downsample_y", level.downsample_xy.y},
                      {"mpp", nullptr}});
    if (slide.mpp()) levels.back()["mpp"] = slide.mpp()->value * level.downsample;
  }
  return levels;
}

Json sampling_json(const slide::Slide& slide, std::int64_t size) {
  const auto found = sampling(slide, size);
  if (!found) return nullptr;
  return {{"patch_size", size},
          {"magnification", kTargetMagnification},
          {"level", found->pixels.level},
          {"read_size", found->pixels.read_size},
          {"fit_on_slide", found->count}};
}

void print_json(const slide::Slide& slide) {
  const slide::WholeLevel segmentation = segmentation_level(slide);
  Json json = {{"slide", slide.id()},
               {"path", slide.path().string()},
               {"bytes", file_bytes(slide)},
               {"format", slide.format()},
               {"reader", slide.reader()},
               {"width", slide.size().width},
               {"height", slide.size().height},
               {"mpp", nullptr},
               {"mpp_source", nullptr},
               {"objective_power", nullptr},
               {"magnification", nullptr},
               {"levels", levels_json(slide)},
               {"segmentation",
                {{"level", segmentation.level},
                 {"reduction", segmentation.reduction},
                 {"width", segmentation.size.width},
                 {"height", segmentation.size.height}}},
               {"patches", sampling_json(slide, kPatch)},
               {"regions", sampling_json(slide, kRegion)},
               {"associated_images", Json::object()},
               {"properties", slide.properties()}};
  if (slide.mpp()) {
    json["mpp"] = slide.mpp()->value;
    json["mpp_source"] = slide.mpp()->source;
  }
  if (slide.objective_power()) json["objective_power"] = *slide.objective_power();
  if (const auto magnification = tiling::slide_magnification(slide)) json["magnification"] = *magnification;
  for (const auto& [name, size] : slide.associated_images()) {
    json["associated_images"][name] = {{"width", size.width}, {"height", size.height}};
  }
  // Properties come from the file and need not be UTF-8.
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int run_info(Arguments arguments) {
  std::string source;
  InfoOptions options;
  Parser parser({.verb = "info",
                 .summary = "Format, size, levels, microns per pixel, objective and associated images of a slide; on "
                            "which level tissue is found and how patches at 20x are read.",
                 .example = "hipt info slide.svs"});
  parser.positional("SLIDE", "a slide or a plain PNG, JPEG or TIFF picture", source);
  parser.declare("Output", options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  const auto slide = slide::open_slide(source, std::nullopt, options.reader);
  options.json ? print_json(*slide) : print_text(*slide, options.properties);
  return 0;
}

}  // namespace hipt::cli
