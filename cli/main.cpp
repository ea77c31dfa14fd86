// hipt <verb> [SOURCE] [--flags]

#include "cli/program.h"

namespace {

using hipt::cli::Verb;

constexpr Verb kVerbs[] = {
    {"look", "info", "format, size, levels, microns per pixel of a slide", hipt::cli::run_info},
    {"look", "tissue", "tissue contours and holes: masks/, contours_geojson/", hipt::cli::run_tissue},
    {"look", "tile", "coordinates of patches or regions: patches/*.h5, stitches/", hipt::cli::run_tile},
    {"encode", "encode", "features of patches, regions and slides (the main job)", hipt::cli::run_encode},
    {"encode", "checkpoint", "what a .pth, .pt or .safetensors file holds", hipt::cli::run_checkpoint},
    {"train", "bags", "clusters and graphs that two of the models need beside features", hipt::cli::run_bags},
    {"train", "subtype", "weakly supervised classification of slides: cross-validation", hipt::cli::run_subtype},
    {"evaluate", "evaluate", "tables over the folds of cross-validation", hipt::cli::run_evaluate},
    {"data", "organise", "downloads of the Genomic Data Commons to TCGA_ROOT_DIR/<study>/WSIs/",
     hipt::cli::run_organise},
    {"help", "doctor", "what this machine and build can do, and what is missing", hipt::cli::run_doctor},
};

constexpr hipt::cli::Program kProgram{
    .name = "hipt",
    .opening =
        "whole-slide images in; features, predictions and explanations out\n"
        "(Hierarchical Image Pyramid Transformer, CVPR 2022)\n\n"
        "usage: hipt <verb> [SOURCE] [--flags]      SOURCE: a slide, a folder of slides, or a CSV\n",
    .closing =
        "\n`hipt <verb> --help` gives flags, units, defaults and an example. A first run without a checkpoint:\n"
        "  hipt encode slide.svs --save_dir out --preset bwh_biopsy --weights256 random:try --overview\n"
        "Exit status: 0 all good, 1 failed, 2 wrong usage, 3 some slides failed.\n",
    .verbs = kVerbs};

}  // namespace

int main(int argc, char** argv) {
  return hipt::cli::run_program(kProgram, argc, argv);
}
