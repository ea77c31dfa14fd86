// A slide without a pyramid that is too large to be held: tissue, coordinates, mask and stitch within a bounded memory.

#include <algorithm>
#include <numbers>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/tiling/study.h"

#include "test/support/large_slide.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

constexpr std::int64_t kSide = 20'000;

// Tiles the slide with `bytes` of address space in all; true when that was enough.
bool tiles_within(std::uint64_t bytes, const std::filesystem::path& file, const cohort::StudyFolder& folder) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
    try {
      tiling::TileOptions options;
      options.patch_level = 0;
      tiling::tile_slide(*slide::open_slide(file), tissue::preset("tcga"), options, folder, true, {});
      _exit(0);
    } catch (const std::exception&) {
      _exit(1);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("A slide of 20000 x 20000 pixels without a pyramid is tiled in 1 GiB") {
    if (!slide::openslide_library()) return skip("no OpenSlide on this machine");
    const TemporaryFolder folder;
    const std::filesystem::path file = folder / "large.tif";
    write_large_slide(file, kSide);
    CHECK(std::filesystem::file_size(file) < 1'000'000);
    const cohort::StudyFolder study{folder / "out"};
    REQUIRE(tiles_within(1 << 30, file, study));  // its level alone has 1.2e9 bytes
    CHECK(std::filesystem::exists(study.mask("large")));
    CHECK(std::filesystem::exists(study.stitch("large")));

    const tiling::Coordinates coordinates = tiling::read_coordinates(study.coordinates("large"));
    // Patches that the discs' areas hold. Each has a margin of patches that lie partly outside.
    double held = 0;
    double border = 0;
    for (const Disc& disc : kLargeSlideDiscs) {
      const double radius = disc.radius * kSide / 256;
      held += std::numbers::pi * radius * radius;
      border += 2 * std::numbers::pi * radius;
    }
    CHECK(static_cast<double>(coordinates.points.size()) > held - border / 2);
    CHECK(static_cast<double>(coordinates.points.size()) < held + border);
    for (const Level0Point point : coordinates.points) {
      const bool near = std::ranges::any_of(kLargeSlideDiscs, [&](const Disc& disc) {
        const double x = static_cast<double>(point.x + 128) - disc.x * kSide;
        const double y = static_cast<double>(point.y + 128) - disc.y * kSide;
        return x * x + y * y <= (disc.radius * kSide + 512) * (disc.radius * kSide + 512);
      });
      CHECK(near);
    }
  }
}

}  // namespace hipt::test
