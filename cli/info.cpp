// hipt info: what a slide says about itself.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/slide/slide.h"

#include "cli/parser.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

struct InfoOptions {
  bool json = false;
};

template <class Visitor>
void describe(InfoOptions& o, Visitor& v) {
  v(o.json, {.name = "json", .help = "as JSON, with every property of the file", .affects = Affects::HowItRuns});
}

void print_text(const slide::Slide& slide) {
  const auto& mpp = slide.mpp();
  fmt::print("slide       {}\n", slide.id());
  fmt::print("format      {}, read by {}\n", slide.format(), slide.reader());
  fmt::print("size        {} x {} px", slide.size().width, slide.size().height);
  if (mpp) {
    const double millimetres = mpp->value / 1000.0;
    fmt::print(", {:.2f} x {:.2f} mm", static_cast<double>(slide.size().width) * millimetres,
               static_cast<double>(slide.size().height) * millimetres);
  }
  fmt::print("\nresolution  {}\n", mpp ? fmt::format("{:.6g} um/px ({})", mpp->value, mpp->source) : "not in the file");
  fmt::print("objective   {}\n",
             slide.objective_power() ? fmt::format("{:g}x", *slide.objective_power()) : "not in the file");
  fmt::print("\n{:>5} {:>9} {:>9} {:>11} {:>9}\n", "level", "width", "height", "downsample", "um/px");
  for (std::size_t i = 0; i < slide.levels().size(); ++i) {
    const slide::Level& level = slide.levels()[i];
    const std::string level_mpp = mpp ? fmt::format("{:.4g}", mpp->value * level.downsample) : "-";
    fmt::print("{:>5} {:>9} {:>9} {:>11.6g} {:>9}\n", i, level.size.width, level.size.height, level.downsample,
               level_mpp);
  }
  if (slide.associated_images().empty()) return;
  fmt::print("\nassociated images\n");
  for (const auto& [name, size] : slide.associated_images()) {
    fmt::print("  {:<12}{} x {} px\n", name, size.width, size.height);
  }
}

void print_json(const slide::Slide& slide) {
  using Json = nlohmann::ordered_json;
  Json json = {{"slide", slide.id()},
               {"path", slide.path().string()},
               {"format", slide.format()},
               {"reader", slide.reader()},
               {"width", slide.size().width},
               {"height", slide.size().height},
               {"mpp", nullptr},
               {"mpp_source", nullptr},
               {"objective_power", nullptr},
               {"levels", Json::array()},
               {"associated_images", Json::object()},
               {"properties", slide.properties()}};
  if (slide.mpp()) {
    json["mpp"] = slide.mpp()->value;
    json["mpp_source"] = slide.mpp()->source;
  }
  if (slide.objective_power()) json["objective_power"] = *slide.objective_power();
  for (const slide::Level& level : slide.levels()) {
    json["levels"].push_back({{"width", level.size.width},
                              {"height", level.size.height},
                              {"downsample", level.downsample},
                              {"downsample_x", level.downsample_xy.x},
                              {"downsample_y", level.downsample_xy.y}});
  }
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
                 .summary = "Format, size, levels, microns per pixel, objective and associated images of a slide.",
                 .example = "hipt info slide.svs"});
  parser.positional("SLIDE", "a slide or a plain PNG, JPEG or TIFF picture", source);
  parser.declare("Output", options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  const auto slide = slide::open_slide(source);
  options.json ? print_json(*slide) : print_text(*slide);
  return 0;
}

}  // namespace hipt::cli
