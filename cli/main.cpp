// hipt <verb> [SOURCE] [--flags]

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/version.h"

#include "cli/verbs.h"

namespace {

struct Verb {
  std::string_view group;
  std::string_view name;
  std::string_view summary;
  int (*run)(hipt::cli::Arguments);
};

constexpr Verb kVerbs[] = {
    {"look", "info", "format, size, levels, microns per pixel of a slide", hipt::cli::run_info},
    {"look", "tissue", "tissue contours and holes: masks/, contours_geojson/", hipt::cli::run_tissue},
    {"look", "tile", "coordinates of patches or regions: patches/*.h5, stitches/", hipt::cli::run_tile},
    {"encode", "encode", "features of patches, regions and slides (the main job)", hipt::cli::run_encode},
    {"encode", "checkpoint", "what a .pth, .pt or .safetensors file holds", hipt::cli::run_checkpoint},
    {"train", "bags", "clusters and graphs that two of the models need beside features", hipt::cli::run_bags},
    {"evaluate", "evaluate", "tables over the folds of cross-validation", hipt::cli::run_evaluate},
    {"data", "organise", "downloads of the Genomic Data Commons to TCGA_ROOT_DIR/<study>/WSIs/",
     hipt::cli::run_organise},
    {"help", "doctor", "what this machine and build can do, and what is missing", hipt::cli::run_doctor},
};

void print_help() {
  fmt::print(
      "hipt {}: whole-slide images in; features, predictions and explanations out\n"
      "(Hierarchical Image Pyramid Transformer, CVPR 2022)\n\n"
      "usage: hipt <verb> [SOURCE] [--flags]      SOURCE: a slide, a folder of slides, or a CSV\n",
      hipt::version());
  std::string_view group;
  for (const Verb& verb : kVerbs) {
    if (verb.group != group) fmt::print("\n{}\n", verb.group);
    group = verb.group;
    fmt::print("  {:<12}{}\n", verb.name, verb.summary);
  }
  fmt::print(
      "\n`hipt <verb> --help` gives flags, units, defaults and an example. A first run without a checkpoint:\n"
      "  hipt encode slide.svs --save_dir out --preset bwh_biopsy --weights256 random:try --overview\n"
      "Exit status: 0 all good, 1 failed, 2 wrong usage, 3 some slides failed.\n");
}

int fail(std::string_view verb, std::string_view message, int status) {
  fmt::print(stderr, "hipt {}: {}\n", verb, message);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_help();
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") {
    fmt::print("hipt {}\n", hipt::version());
    return 0;
  }
  for (const Verb& verb : kVerbs) {
    if (verb.name != arguments[0]) continue;
    try {
      return verb.run(hipt::cli::Arguments(arguments).subspan(1));
    } catch (const hipt::Error& error) {
      return fail(verb.name, error.what(), error.code() == hipt::ErrorCode::InvalidArgument ? 2 : 1);
    } catch (const std::bad_alloc&) {
      return fail(verb.name, "out of memory", 1);
    } catch (const std::exception& error) {
      return fail(verb.name, fmt::format("internal error: {}", error.what()), 1);
    }
  }
  fmt::print(stderr, "hipt: no verb \"{}\"; `hipt --help` lists them\n", arguments[0]);
  return 2;
}
