#pragma once
// The two folders that the published pretraining reads, made from a cohort: patch_256_pretraining/ for ViT-256
// (main_dino256.py) and region_4096_pretraining/ for ViT-4096 (main_dino4k.py).
//
// TCGA_ROOT_DIR holds studies; a study is a folder with WSIs/ and extracted_mag20x_patch4096_fp/.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hipt/base/options.h"
#include "hipt/base/run_context.h"

namespace hipt::encode {

struct PretrainingOptions {
  std::string root_dir;                 // TCGA_ROOT_DIR
  std::string save_dir;                 // TCGA_PRETRAINING_DIR
  std::int64_t patch_size = 4096;       // side of the regions: reads extracted_mag<mag>x_patch<patch_size>_fp/
  double mag = 20;                      // of the regions
  std::int64_t patches_per_region = 0;  // chosen at random from a region's 256-px patches; 0 = all
  std::int64_t seed = 1;                // of that choice
};

template <class Visitor>
void describe(PretrainingOptions& o, Visitor& v) {
  v(o.root_dir, {.name = "root_dir",
                 .help = "TCGA_ROOT_DIR: folders of studies, each with WSIs/ and extracted_mag20x_patch4096_fp/",
                 .affects = Affects::HowItRuns});
  v(o.save_dir, {.name = "save_dir",
                 .help = "TCGA_PRETRAINING_DIR: gets patch_256_pretraining/ or region_4096_pretraining/",
                 .affects = Affects::HowItRuns});
  v(o.patch_size,
    {.name = "patch_size", .unit = "px", .help = "side of the regions, a multiple of 256", .min = 256, .max = 65536});
  v(o.mag, {.name = "mag", .help = "magnification of the regions", .min = 0.01, .max = 1000});
  v(o.patches_per_region, {.name = "patches_per_region",
                           .help = "256-px patches taken from each region at random; 0: all",
                           .min = 0,
                           .max = 65536});
  v(o.seed, {.name = "seed", .help = "of the choice of patches", .min = 0});
}

struct PretrainingSummary {
  std::int64_t slides = 0;                                  // seen, in all studies
  std::int64_t written = 0;                                 // files made by this run
  std::int64_t present = 0;                                 // files that were there already
  std::vector<std::pair<std::string, std::string>> failed;  // slide ("tcga_brca/slide_1") and reason
};

// patch_256_pretraining/<slide>_<x>_<y>.png: 256-px patches of every region in patches/<slide>.h5, named by their
// level-0 corner, read from the slide in WSIs/. A file that exists is whole and is left alone. A slide that cannot be
// read is listed as failed and the others go on. Throws InvalidArgument when two studies have a slide of one id
// (naming both), NotFound when there is no study.
PretrainingSummary write_pretraining_patches(const PretrainingOptions& options, RunContext& context);

// region_4096_pretraining/<slide>_<n>.pt: float32 [patches, dim] of region n (from 1), cut from
// vits_tcga_pancancer_dino_pt_patch_features/<slide>.pt [regions, patches, dim]. Errors and resuming as above.
PretrainingSummary write_pretraining_regions(const PretrainingOptions& options, RunContext& context);

}  // namespace hipt::encode
