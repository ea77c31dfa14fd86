// What grows with the work and what must not: seconds a region of 1024 to 8192 px, memory over the number of patches,
// and what stands between the command and its first feature.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/encode/encode_slide.h"
#include "hipt/encode/feature_file.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/study.h"
#include "hipt/vit/checkpoint.h"
#include "hipt/vit/region_encoder.h"

#include "bench/bench.h"
#include "bench/child.h"

namespace hipt::bench {
namespace {

namespace fs = std::filesystem;

// A picture of one formula patch again and again.
image::RgbImage tiled_picture(int side) {
  const std::vector<std::uint8_t> patch = formula_image("bench", "patch", vit::kPatchPx, vit::kPatchPx);
  image::RgbImage picture(side, side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; x += vit::kPatchPx) {
      std::memcpy(picture.row(y) + 3 * x, patch.data() + std::size_t{3} * vit::kPatchPx * (y % vit::kPatchPx),
                  std::size_t{3} * vit::kPatchPx);
    }
  }
  return picture;
}

// `hipt encode` on patches of 256 px, a patch every `step` px of level 0.
ChildRun encode_patches(const fs::path& slide, std::int64_t step, const fs::path& weights, const fs::path& out) {
  return run_hipt({"encode", slide, "--save_dir", out, "--preset", "bwh_biopsy", "--patch_level", "0", "--patch_size",
                   "256", "--step_size", fmt::format("{}", step), "--weights256", weights, "--quiet"});
}

std::int64_t patches_in(const fs::path& out, const fs::path& slide) {
  const cohort::StudyFolder folder{out};
  return encode::open_feature_rows(folder.patch_features(slide.stem().string(), ".pt")).shape[0];
}

fs::path write_weights(const fs::path& folder) {
  const fs::path file = folder / "weights.safetensors";
  vit::export_safetensors(file, *vit::formula_weights(vit::named_config("vit_small"), "bench"));
  return file;
}

void print_milliseconds(std::string_view what, double seconds) {
  fmt::print("{:<52}{:>8.0f}\n", what, 1000.0 * seconds);
}

}  // namespace

void bench_regions() {
  ThreadPool pool(usable_cores(), vit::prepare_engine_thread);
  RunContext context{pool, silent_log(), silent_progress(), {}};
  const auto vit256 = vit::make_cpu_engine(vit::formula_weights(vit::named_config("vit_small"), "bench"));
  const auto vit4k = vit::make_cpu_engine(vit::formula_weights(vit::named_config("vit4k_xs"), "bench"));
  const image::RgbImage largest = tiled_picture(8192);
  fmt::print("\nRegions in memory, f32, {} threads\n{:<12}{:>10}{:>12}{:>14}{:>8}\n", pool.size(), "region px",
             "patches", "seconds", "patches/s", "rounds");
  for (const int side : {1024, 2048, 4096, 8192}) {
    const int rounds = side < 8192 ? 3 : 1;
    const double seconds = median_of(rounds, [&] {
      return seconds_of([&] { vit::encode_region(*vit256, *vit4k, largest.view().crop(0, 0, side, side), context); });
    });
    const int patches = (side / vit::kPatchPx) * (side / vit::kPatchPx);
    fmt::print("{:<12}{:>10}{:>12.2f}{:>14.2f}{:>8}\n", side, patches, seconds, patches / seconds, rounds);
  }
}

void bench_memory(const fs::path& slide) {
  const ScratchFolder scratch;
  const fs::path weights = write_weights(scratch.path());
  fmt::print("\nhipt encode: memory over the number of patches, {}, f32\n{:>10}{:>12}{:>10}{:>14}\n",
             slide.filename().string(), "patches", "seconds", "peak MB", "cores busy");
  for (const std::int64_t step : {4096, 1024, 512, 256}) {
    const ScratchFolder out;
    const ChildRun run = encode_patches(slide, step, weights, out.path());
    fmt::print("{:>10}{:>12.1f}{:>10.0f}{:>14.2f}\n", patches_in(out.path(), slide), run.seconds, run.peak_megabytes,
               run.processor / run.seconds);
  }
}

void bench_start(const fs::path& file) {
  const ScratchFolder scratch;
  const fs::path weights = write_weights(scratch.path());
  encode::SlideJob job;
  job.tissue = tissue::preset("bwh_biopsy");
  job.tile.patch_level = 0;
  job.encode.weights256 = weights.string();
  const auto median_seconds = [](const std::function<void()>& work) {
    return median_of(kRounds, [&] { return seconds_of(work); });
  };
  const double program = median_of(kRounds, [] { return run_hipt({"--version"}).seconds; });
  const double reading = median_seconds([&] { vit::load_weights(weights, vit::named_config("vit_small"))->sha256(); });
  const double models = median_seconds([&] { encode::load_models(job.encode, false, 1); });
  const double tiles = median_seconds([&] {
    const ScratchFolder out;
    const auto slide = slide::open_slide(file);
    tiling::tile_slide(*slide, job.tissue, job.tile, cohort::StudyFolder{out.path()}, true, [] { return true; });
  });
  const image::RgbImage patch = tiled_picture(vit::kPatchPx);
  std::vector<float> feature;
  const double first = median_of(kRounds, [&] {  // with a new engine: what it plans and allocates counts
    const encode::Models fresh = encode::load_models(job.encode, false, 1);
    feature.resize(fresh.patch_encoder->dim());
    const RgbView view = patch.view();
    return seconds_of([&] { fresh.patch_encoder->encode({&view, 1}, feature); });
  });
  fmt::print("\nhipt encode: from the command to the first feature, {}, f32 (milliseconds)\n",
             file.filename().string());
  print_milliseconds("start and end of the program", program);
  print_milliseconds("weights of 86 MB: mapped, checked, hashed, packed", models);
  print_milliseconds("of these: mapped, checked, hashed", reading);
  print_milliseconds("slide, tissue, coordinates and their files", tiles);
  print_milliseconds("the first patch", first);
  print_milliseconds("all of it", program + models + tiles + first);
  print_milliseconds("before the first patch, without reading weights", program + models - reading + tiles);
  const ScratchFolder out;
  const ChildRun one = encode_patches(file, 100'000, weights, out.path());
  print_milliseconds(fmt::format("a whole process, patches: {}", patches_in(out.path(), file)), one.seconds);
  fmt::print("{:<52}{:>8.0f}\n", "its peak memory, MB", one.peak_megabytes);
}

}  // namespace hipt::bench
