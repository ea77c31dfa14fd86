// How fast slides are read: megapixels a second of 256-px patches and of 4096-px regions, one thread and all, by our
// own decoding of tiles and by OpenSlide.

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/run_context.h"
#include "hipt/slide/slide.h"

#include "bench/bench.h"

namespace hipt::bench {
namespace {

// Level-0 corners of squares that lie inside the slide, spread over it, at most `most`.
std::vector<Level0Point> spread_corners(const slide::Slide& slide, std::int64_t side, std::size_t most) {
  std::vector<Level0Point> all;
  for (std::int64_t y = 0; y + side <= slide.size().height; y += side) {
    for (std::int64_t x = 0; x + side <= slide.size().width; x += side) all.push_back({x, y});
  }
  std::vector<Level0Point> chosen;
  const std::size_t step = std::max<std::size_t>(1, all.size() / most);
  for (std::size_t i = 0; i < all.size() && chosen.size() < most; i += step) chosen.push_back(all[i]);
  return chosen;
}

// Opened anew each time, so that no reader's cache of tiles is warm.
double megapixels_per_second(const std::filesystem::path& file, slide::ReaderChoice reader, std::int64_t side,
                             std::size_t most, ThreadPool& pool) {
  const auto slide = slide::open_slide(file, std::nullopt, reader);
  const std::vector<Level0Point> corners = spread_corners(*slide, side, most);
  const double seconds = seconds_of([&] {
    pool.parallel_for(corners.size(), [&](std::size_t i) { slide->read_region(corners[i], 0, {side, side}); });
  });
  return static_cast<double>(corners.size()) * static_cast<double>(side * side) / 1e6 / seconds;
}

// Rounds of both readers alternate, so that neighbours on the machine disturb both.
void print_readers(const std::filesystem::path& file, std::string_view name, std::int64_t side, std::size_t most,
                   ThreadPool& pool) {
  std::vector<double> ours;
  std::vector<double> openslide;
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(megapixels_per_second(file, slide::ReaderChoice::Auto, side, most, pool));
    openslide.push_back(megapixels_per_second(file, slide::ReaderChoice::OpenSlide, side, most, pool));
    ratios.push_back(ours.back() / openslide.back());
  }
  fmt::print("{:<20}{:>8}{:>12.0f}{:>12.0f}{:>10.2f}\n", name, pool.size(), median(ours), median(openslide),
             median(ratios));
}

}  // namespace

void bench_read(const std::filesystem::path& slide) {
  ThreadPool one(1);
  ThreadPool all(usable_cores());
  const auto opened = slide::open_slide(slide);
  const std::int64_t slide_side = std::min(opened->size().width, opened->size().height);
  fmt::print("\nReading {} (megapixels/s, level 0, to RGB; {})\n", slide.filename().string(), opened->reader());
  fmt::print("{:<20}{:>8}{:>12}{:>12}{:>10}\n", "", "threads", "auto", "openslide", "ratio");
  for (const auto& [name, side, most] : {std::tuple("256-px patches", std::int64_t{256}, std::size_t{600}),
                                         std::tuple("2048-px regions", std::int64_t{2048}, std::size_t{10}),
                                         std::tuple("4096-px regions", std::int64_t{4096}, std::size_t{4})}) {
    if (side > slide_side) continue;
    for (ThreadPool* pool : {&one, &all}) print_readers(slide, name, side, most, *pool);
  }
}

}  // namespace hipt::bench
