// hipt tile from the start of the process to its end: how the time splits, what a slide costs when several are in
// flight, and what a slide without a pyramid costs.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/cohort/output.h"
#include "hipt/slide/whole_level.h"
#include "hipt/tiling/tiling.h"

#include "bench/bench.h"
#include "bench/child.h"
#include "test/support/large_slide.h"

namespace hipt::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kSlidesInFlight = 8;
constexpr std::int64_t kLargeSide = 100'000;  // px

void print_row(std::string_view what, double seconds) {
  fmt::print("{:<44}{:>8.1f}\n", what, seconds * 1000);
}

double median_seconds(const std::function<void()>& work) {
  return median_of(kRounds, [&] { return seconds_of(work); });
}

// The steps of one slide, each called alone.
void print_steps(const fs::path& file) {
  const ScratchFolder scratch;
  tissue::TissueOptions tissue_options = tissue::preset("tcga");
  const tiling::TileOptions tile_options;
  const auto slide = slide::open_slide(file);
  const auto level = slide::whole_level(*slide, tissue::resolve_level(*slide, -1, "seg_level"));
  // Read directly: the slide keeps a whole level for the steps after.
  const double read = median_seconds([&] { slide->read_region({0, 0}, level.level, level.size); });
  tissue::Tissue found = tissue::segment(*slide, tissue_options);
  const double segment = median_seconds([&] { found = tissue::segment(*slide, tissue_options); });
  tiling::Coordinates coordinates;
  print_row("open the slide", median_seconds([&] { slide::open_slide(file); }));
  print_row("read the segmentation level", read);
  print_row("saturation to contours", segment);
  print_row("grid and points in contours",
            median_seconds([&] { coordinates = tiling::find_coordinates(*slide, found, tile_options); }));
  image::RgbImage picture;
  print_row("mask: draw", median_seconds([&] { picture = tissue::draw_mask(*slide, found, tissue_options); }));
  const auto write_picture = [&] { cohort::write_picture(scratch.path() / "picture.png", picture.view(), {}, {}, {}); };
  print_row("mask: PNG", median_seconds(write_picture));
  print_row("stitch: read and draw", median_seconds([&] { picture = tiling::draw_stitch(*slide, coordinates); }));
  print_row("stitch: PNG", median_seconds(write_picture));
  print_row("coordinates: HDF5", median_seconds([&] {
              tiling::write_coordinates(scratch.path() / "coordinates.h5", *slide, tile_options, coordinates, {});
            }));
}

double seconds_of_tile(const fs::path& source) {
  return median_of(kRounds, [&] {
    const ScratchFolder out;
    return run_hipt({"tile", source, "--save_dir", out.path(), "--preset", "tcga", "--quiet"}).seconds;
  });
}

}  // namespace

void bench_tile(const fs::path& slide) {
  fmt::print("\nhipt tile: tissue, coordinates, mask and stitch of {} (milliseconds)\n", slide.filename().string());
  print_row("start and end of the program", median_of(kRounds, [] { return run_hipt({"--version"}).seconds; }));
  print_steps(slide);
  print_row("the whole process, one slide", seconds_of_tile(slide));
  const ScratchFolder slides;
  for (int i = 0; i < kSlidesInFlight; ++i) {
    fs::create_symlink(fs::absolute(slide), slides.path() / fmt::format("{}{}", i, slide.extension().string()));
  }
  print_row(fmt::format("the whole process, a slide of {} in flight", kSlidesInFlight),
            seconds_of_tile(slides.path()) / kSlidesInFlight);
}

void bench_large_slide() {
  const ScratchFolder scratch;
  const fs::path slide = scratch.path() / "large.tif";
  test::write_large_slide(slide, kLargeSide);
  const ChildRun run = run_hipt(
      {"tile", slide, "--save_dir", scratch.path() / "out", "--preset", "tcga", "--patch_level", "0", "--quiet"});
  fmt::print("\nhipt tile: a slide of {} x {} pixels without a pyramid\n", kLargeSide, kLargeSide);
  fmt::print("{:<44}{:>8.1f}\n", "slide file, MB", static_cast<double>(fs::file_size(slide)) / 1e6);
  fmt::print("{:<44}{:>8.0f}\n", "time, s", run.seconds);
  fmt::print("{:<44}{:>8.0f}\n", "time of the processor, s", run.processor);
  fmt::print("{:<44}{:>8.0f}\n", "peak memory, MB", run.peak_megabytes);
}

}  // namespace hipt::bench
