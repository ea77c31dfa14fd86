// What every slide promises: bounds, black outside, many threads, damaged files.

#include <algorithm>
#include <array>
#include <iostream>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/image/png.h"
#include "hipt/slide/argb.h"
#include "hipt/slide/properties.h"

#include "test/slide/slide_case.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

bool is_black(const image::RgbImage& picture) {
  return std::all_of(picture.data(), picture.data() + picture.byte_size(), [](std::uint8_t byte) { return byte == 0; });
}

void write_formula_png(const std::filesystem::path& file, int width, int height) {
  const std::vector<std::uint8_t> pixels = formula_image("slide", "picture", height, width);
  image::write_png(file, {pixels.data(), width, height, std::ptrdiff_t{3} * width});
}

void check_bounds(const slide::Slide& slide) {
  const int levels = static_cast<int>(slide.levels().size());
  std::string message;
  CHECK(error_of([&] { slide.read_region({0, 0}, levels, {8, 8}); }, &message) == ErrorCode::NotFound);
  CHECK(message.find(slide.path().filename().string()) != std::string::npos);
  CHECK(error_of([&] { slide.read_region({0, 0}, -1, {8, 8}); }) == ErrorCode::NotFound);
  CHECK(error_of([&] { slide.read_region({0, 0}, 0, {-1, 8}); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { slide.read_region({0, 0}, 0, {8, -1}); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { slide.read_region({0, 0}, 0, {INT64_MAX, INT64_MAX}); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { slide.read_region({0, 0}, 0, {2'000'000'001, 1}); }) == ErrorCode::InvalidArgument);
  CHECK(slide.read_region({0, 0}, 0, {0, 5}).byte_size() == 0);
  for (int level = 0; level < levels; ++level) {
    for (const Level0Point far : {Level0Point{INT64_MAX, 0},
                                  {INT64_MIN, 0},
                                  {0, INT64_MAX},
                                  {5, INT64_MIN},
                                  {INT64_MAX, INT64_MAX},
                                  {slide.size().width + 100, 0},
                                  {0, -1000}}) {
      CHECK(is_black(slide.read_region(far, level, {16, 16})));
    }
  }
}

}  // namespace

TEST_CASE("Regions out of bounds are black or refused") {
  const TemporaryFolder folder;
  write_formula_png(folder / "picture.png", 50, 40);
  check_bounds(*slide::open_slide(folder / "picture.png"));
  if (const auto pyramid = shared_data("slides/made/mosaic-20x.svs")) check_bounds(*slide::open_slide(*pyramid));
}

TEST_CASE("Many threads read the same bytes as one") {
  const auto file = shared_data("slides/made/mosaic-20x.svs");
  if (!file) return skip("mosaic-20x.svs is not on this machine");
  struct Request {
    Level0Point origin;
    int level;
    Size size;
    std::string sha256;
  };
  std::vector<Request> requests;
  std::mt19937 random(3);
  const auto slide = slide::open_slide(*file);
  for (int i = 0; i < 60; ++i) {
    Request request;
    request.origin = {static_cast<std::int64_t>(random() % 12800) - 250,
                      static_cast<std::int64_t>(random() % 10700) - 250};
    request.level = static_cast<int>(random() % 3);
    request.size = {static_cast<std::int64_t>(random() % 600) + 1, static_cast<std::int64_t>(random() % 600) + 1};
    request.sha256 = sha256_of(slide->read_region(request.origin, request.level, request.size));
    requests.push_back(request);
  }
  std::array<int, 8> wrong{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < wrong.size(); ++thread) {
      threads.emplace_back([&, thread] {
        // Half of them read the shared slide, half one that they open at the same time.
        const auto mine = thread % 2 == 0 ? slide : slide::open_slide(*file);
        for (std::size_t i = 0; i < requests.size(); ++i) {
          const Request& request = requests[(i + thread * 7) % requests.size()];
          wrong[thread] += sha256_of(mine->read_region(request.origin, request.level, request.size)) != request.sha256;
        }
      });
    }
  }
  for (const int count : wrong) CHECK(count == 0);
}

TEST_CASE("Slides cut short are read or refused by name") {
  const auto file = demo_slide();
  if (!file) return skip("the demo slide is not on this machine");
  const TemporaryFolder folder;
  const std::string whole = read_text(*file);
  int read_count = 0;
  for (std::size_t eighths = 0; eighths < 8; ++eighths) {
    write_text(folder / "cut.svs", whole.substr(0, whole.size() * eighths / 8));
    try {
      const auto slide = slide::open_slide(folder / "cut.svs");
      slide->read_region({0, 0}, 0, slide->size());
      ++read_count;
    } catch (const Error& error) {
      CHECK_MESSAGE(std::string(error.what()).find("cut.svs") != std::string::npos, error.what());
    }
  }
  CHECK(read_count < 8);
}

TEST_CASE("What is no slide file is told apart") {
  const TemporaryFolder folder;
  std::string message;
  CHECK(error_of([&] { slide::open_slide(folder / "absent.svs"); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("absent.svs") != std::string::npos);
  CHECK(error_of([&] { slide::open_slide(folder.path()); }) == ErrorCode::Unsupported);
  write_text(folder / "empty.svs", "");
  CHECK(error_of([&] { slide::open_slide(folder / "empty.svs"); }, &message) == ErrorCode::Unsupported);
  CHECK(message.find("empty") != std::string::npos);
  write_text(folder / "page.svs", "<html>404 not found</html>\n");
  CHECK(error_of([&] { slide::open_slide(folder / "page.svs"); }, &message) == ErrorCode::Unsupported);
  CHECK(message.find("<html>404 not found</html>") != std::string::npos);
}

TEST_CASE("Slide files of a folder are known by their extension") {
  for (const char* name : {"a.svs", "a.b.SVS", "a.tif", "a.TIFF", "a.ndpi", "a.mrxs", "a.png", "a.jpg"}) {
    CHECK_MESSAGE(slide::has_slide_extension(name), name);
  }
  for (const char* name : {"svs", "a.txt", "a.svs.tmp", "a", ".svs", "a.h5"}) {
    CHECK_MESSAGE(!slide::has_slide_extension(name), name);
  }
}

TEST_CASE("Microns per pixel follow TRIDENT's list of properties") {
  slide::Properties properties = {{"tiff.XResolution", "20040.08"}, {"tiff.ResolutionUnit", "centimeter"}};
  const auto value = [&] { return slide::find_mpp(properties) ? slide::find_mpp(properties)->value : 0.0; };
  CHECK(value() == doctest::Approx(0.499));
  properties["tiff.ResolutionUnit"] = "inch";
  CHECK(value() == doctest::Approx(25400 / 20040.08));
  properties["tiff.ResolutionUnit"] = "none";
  CHECK(value() == 0.0);
  // Each next one stands before those that are there already.
  const std::pair<const char*, const char*> steps[] = {{"openslide.comment", "0.5"},
                                                       {"hamamatsu.XResolution", "0.23"},
                                                       {"aperio.MPP", "0.25"},
                                                       {"openslide.mirax.MPP", " 0.26 "},
                                                       {"openslide.mpp-x", "0.27"}};
  for (const auto& [name, text] : steps) {
    properties[name] = "no number";
    const double before = value();
    properties[name] = text;
    CHECK(value() == std::stod(text));
    CHECK(slide::find_mpp(properties)->source == name);
    for (const char* useless : {"", "nan", "inf", "-0.5", "0", "0.5 um", "1e999"}) {
      properties[name] = useless;
      CHECK_MESSAGE(value() == before, name << " = " << useless);
    }
    properties[name] = text;
  }
}

TEST_CASE("Alpha is divided out and dropped as openslide-python does") {
  // Every alpha with every colour it allows; the digest is that of openslide-python 1.4.7's conversion.
  std::vector<std::uint32_t> argb;
  for (std::uint32_t alpha = 0; alpha < 256; ++alpha) {
    for (std::uint32_t v = 0; v <= alpha; ++v) argb.push_back(alpha << 24 | v << 16 | (alpha - v) << 8 | v / 2);
  }
  image::RgbImage rgb(static_cast<int>(argb.size()), 1);
  slide::argb_to_rgb(argb.data(), argb.size(), rgb.data());
  CHECK(sha256_of(rgb) == "98f38f4fab27a57bf4cb9f891a83ed94f6e842a814970e88c3c62f6d65475950");
}

TEST_CASE("The OpenSlide library says its version and file") {
  const auto library = slide::openslide_library();
  if (!library) return skip("no OpenSlide library is installed");
  CHECK(std::stoi(library->version) >= 3);
  CHECK(library->file.find("openslide") != std::string::npos);
}

}  // namespace hipt::test
