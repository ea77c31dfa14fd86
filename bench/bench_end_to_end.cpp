// The main job from slide file to feature files, beside inference alone on the same pixels in memory: what tissue,
// reading, queueing and writing add.

#include <filesystem>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/cpu.h"
#include "hipt/encode/encode_slide.h"
#include "hipt/slide/slide.h"
#include "hipt/vit/region_encoder.h"

#include "bench/bench.h"
#include "bench/child.h"

namespace hipt::bench {
namespace {

constexpr int kEndToEndRounds = 3;

// Regions of 4096 px where the slide is large enough for a few, of 1024 px on a small one; every second one, to be
// short.
encode::SlideJob region_job(const slide::Slide& slide, vit::Precision precision) {
  encode::SlideJob job;
  job.tissue = tissue::preset("bwh_biopsy");
  job.tile.patch_level = 0;
  const bool large = std::min(slide.size().width, slide.size().height) >= 8192;
  job.tile.patch_size = large ? 4096 : 1024;
  job.tile.step_size = large ? 8192 : 1024;
  job.encode.weights256 = "random:bench";
  job.encode.weights4k = "random:bench";
  job.encode.precision = precision;
  return job;
}

struct Pixels {
  std::vector<image::RgbImage> regions;
  double tissue_seconds = 0;
  double read_seconds = 0;
};

Pixels read_regions(const slide::Slide& slide, const encode::SlideJob& job) {
  Pixels pixels;
  tiling::Coordinates coordinates;
  pixels.tissue_seconds =
      seconds_of([&] { coordinates = tiling::find_coordinates(slide, tissue::segment(slide, job.tissue), job.tile); });
  const std::int64_t side = coordinates.pixels.read_size;
  pixels.read_seconds = seconds_of([&] {
    for (const Level0Point& point : coordinates.points) {
      pixels.regions.push_back(slide.read_region(point, coordinates.pixels.level, {side, side}));
    }
  });
  return pixels;
}

double encode_to_files(const std::filesystem::path& file, const encode::SlideJob& job, const encode::Models& models,
                       RunContext& context) {
  const ScratchFolder scratch;
  return seconds_of([&] {
    cohort::SlideEntry entry;
    entry.path = file;
    entry.id = file.stem().string();
    encode::encode_slide(entry, {scratch.path()}, job, models, context, [] { return true; });
  });
}

double infer(const std::vector<image::RgbImage>& regions, const encode::Models& models, RunContext& context) {
  return seconds_of([&] {
    for (const image::RgbImage& region : regions) {
      vit::encode_region(*models.vit256, *models.vit4k, region.view(), context);
    }
  });
}

void measure(const std::filesystem::path& file, vit::Precision precision) {
  ThreadPool pool(usable_cores(), vit::prepare_engine_thread);
  RunContext context{pool, silent_log(), silent_progress(), {}};
  const auto slide = slide::open_slide(file);
  const encode::SlideJob job = region_job(*slide, precision);
  const encode::Models models = encode::load_models(job.encode, true, pool.size());
  const Pixels pixels = read_regions(*slide, job);
  const auto regions = static_cast<double>(pixels.regions.size());

  // In turn, so that a change of the machine's speed meets both.
  std::vector<double> whole;
  std::vector<double> inference;
  std::vector<double> ratios;
  for (int round = 0; round < kEndToEndRounds; ++round) {
    inference.push_back(infer(pixels.regions, models, context));
    whole.push_back(encode_to_files(file, job, models, context));
    ratios.push_back(whole.back() / inference.back());
  }
  fmt::print("\nEnd to end: {}, {} regions of {} px, {} threads, {} (seconds a region)\n", file.filename().string(),
             pixels.regions.size(), job.tile.patch_size, pool.size(), name_of(precision));
  fmt::print("{:<44}{:>8.2f}\n", "slide file to .pt and .h5", median(whole) / regions);
  fmt::print("{:<44}{:>8.2f}\n", "inference alone, pixels in memory", median(inference) / regions);
  fmt::print("{:<44}{:>8.2f}\n", "reading alone, one thread (hidden)", pixels.read_seconds / regions);
  fmt::print("{:<44}{:>8.2f}\n", "tissue and coordinates", pixels.tissue_seconds / regions);
  fmt::print("{:<44}{:>8.3f}\n", "end to end / inference, median of pairs", median(ratios));
  fmt::print("{:<44}{:>8.0f}\n", "peak memory of this program, MB", static_cast<double>(peak_resident_bytes()) / 1e6);
}

}  // namespace

void bench_end_to_end(const std::filesystem::path& file) {
  for (const vit::Precision precision : precisions_here()) measure(file, precision);
}

}  // namespace hipt::bench
