// Our own decoding of TIFF tiles against OpenSlide, whichever version is loaded, read by read.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <iostream>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "hipt/slide/slide.h"
#include "hipt/slide/tile_cache.h"

#include "test/slide/made_tiff.h"
#include "test/slide/slide_case.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

using slide::ReaderChoice;

std::shared_ptr<const slide::Slide> open_with(const std::filesystem::path& file, ReaderChoice reader) {
  return slide::open_slide(file, std::nullopt, reader);
}

bool reads_tiles(const slide::Slide& slide) {
  return slide.reader().ends_with(" and tiff");
}

bool is_equal(const image::RgbImage& one, const image::RgbImage& other) {
  return one.width() == other.width() && one.height() == other.height() &&
         std::memcmp(one.data(), other.data(), one.byte_size()) == 0;
}

// Places on pixels of a level, around its corners and borders and anywhere, and some between pixels.
std::vector<std::pair<Level0Point, Size>> places(const slide::Slide& slide, const slide::Level& level) {
  std::mt19937 random(11);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
  };
  const auto factor = static_cast<std::int64_t>(level.downsample);
  std::vector<std::pair<Level0Point, Size>> all = {{{0, 0}, {1, 1}},
                                                   {{0, 0}, level.size},
                                                   {{0, 0}, {level.size.width + 7, level.size.height + 5}},
                                                   {{-factor, -2 * factor}, {257, 33}},
                                                   {{slide.size().width, 0}, {9, 9}},
                                                   {{(level.size.width - 1) * factor, 0}, {9, level.size.height}}};
  for (int i = 0; i < 40; ++i) {
    const std::int64_t x = between(-70, level.size.width + 10);
    const std::int64_t y = between(-70, level.size.height + 10);
    all.push_back({{x * factor + (i % 8 == 7), y * factor}, {between(1, 600), between(1, 600)}});
  }
  return all;
}

// How many reads were equal. OpenSlide 3.4.1 refuses some levels.
int compare(const std::filesystem::path& file) {
  CAPTURE(file);
  const auto ours = open_with(file, ReaderChoice::Tiff);
  const auto openslide = open_with(file, ReaderChoice::OpenSlide);
  CHECK(reads_tiles(*ours));
  CHECK(reads_tiles(*open_with(file, ReaderChoice::Auto)));
  CHECK(!reads_tiles(*openslide));
  int equal = 0;
  int refused = 0;
  for (std::size_t i = 0; i < ours->levels().size(); ++i) {
    const int level = static_cast<int>(i);
    for (const auto& [origin, size] : places(*ours, ours->levels()[i])) {
      const std::string text =
          fmt::format("level {}, {} x {} at ({}, {})", level, size.width, size.height, origin.x, origin.y);
      CAPTURE(text);
      image::RgbImage expected;
      try {
        expected = openslide->read_region(origin, level, size);
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Unsupported);
        ++refused;
        continue;
      }
      const bool same = is_equal(ours->read_region(origin, level, size), expected);
      CHECK(same);
      equal += same;
    }
  }
  std::cout << fmt::format("{} ({} against {}): {} reads equal, {} refused by OpenSlide\n", file.filename().string(),
                           ours->reader(), openslide->reader(), equal, refused);
  return equal;
}

}  // namespace

TEST_CASE("Tiles decoded by ourselves are OpenSlide's pixels on every test slide") {
  int found = 0;
  for (const char* name : {"slides/made/mosaic-20x.svs", "slides/made/odd-levels.svs",
                           "slides/other/openslide-python-boxes.tiff", "slides/other/pathml-small_HE_levels.tiff"}) {
    if (const auto file = shared_data(name)) found += compare(*file) > 0;
  }
  if (const auto file = demo_slide()) found += compare(*file) > 0;
  if (found == 0) skip("no test slide is on this machine");
}

TEST_CASE("Tiles of made TIFFs are OpenSlide's pixels whatever their colours and sides") {
  const TemporaryFolder folder;
  for (const int photometric : {6, 2}) {
    for (const int side : {16, 48, 64, 512}) {
      MadeTiff tiff;
      tiff.photometric = photometric;
      tiff.tile_side = side;
      write_tiff(folder / "made.tif", tiff);
      CHECK(compare(folder / "made.tif") == 46);
    }
  }
  MadeTiff plain;
  plain.compression = 1;
  plain.photometric = 2;
  write_tiff(folder / "plain.tif", plain);
  CHECK(compare(folder / "plain.tif") == 46);
  CHECK(is_equal(open_with(folder / "plain.tif", ReaderChoice::Tiff)->read_region({0, 0}, 0, {300, 200}),
                 pixels_of(plain)));
}

TEST_CASE("Tiles that libtiff wrote are OpenSlide's pixels whatever their compression") {
  const TemporaryFolder folder;
  const MadeTiff tiff;
  for (const LibtiffWay& way : {LibtiffWay{1}, LibtiffWay{5}, LibtiffWay{5, 2}, LibtiffWay{8}, LibtiffWay{8, 2},
                                LibtiffWay{7}, LibtiffWay{7, 1, 2, 1}, LibtiffWay{7, 1, 2, 2}}) {
    CAPTURE(way.compression);
    CAPTURE(way.predictor);
    CAPTURE(way.chroma_across);
    CAPTURE(way.chroma_down);
    write_by_libtiff(folder / "made.tif", tiff, way);
    CHECK(compare(folder / "made.tif") == 46);
    if (way.compression == 7) continue;
    const auto slide = open_with(folder / "made.tif", ReaderChoice::Tiff);
    CHECK(is_equal(slide->read_region({0, 0}, 0, {300, 200}), pixels_of(tiff)));
  }
}

TEST_CASE("Eight threads on one slide read what one reads") {
  const TemporaryFolder folder;
  MadeTiff tiff;
  tiff.width = tiff.height = 700;
  for (const LibtiffWay& way : {LibtiffWay{5, 2}, LibtiffWay{7, 1, 2, 2}}) {
    write_by_libtiff(folder / "made.tif", tiff, way);
    const image::RgbImage whole =
        open_with(folder / "made.tif", ReaderChoice::Tiff)->read_region({0, 0}, 0, {700, 700});
    const auto slide = open_with(folder / "made.tif", ReaderChoice::Tiff);
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (unsigned thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&, thread] {
          std::mt19937 random(thread);
          for (int i = 0; i < 60; ++i) {
            const auto x = static_cast<int>(random() % 500);
            const auto y = static_cast<int>(random() % 500);
            const image::RgbImage read = slide->read_region({x, y}, 0, {200, 200});
            for (int row = 0; row < 200; ++row) {
              wrong += std::memcmp(read.view().row(row), whole.view().row(y + row) + x * 3, 600) != 0;
            }
          }
        });
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("What only OpenSlide should read goes to it") {
  const TemporaryFolder folder;
  const auto reason_of = [&](const MadeTiff& tiff) {
    write_tiff(folder / "made.tif", tiff);
    CHECK(!reads_tiles(*open_with(folder / "made.tif", ReaderChoice::Auto)));
    std::string message;
    CHECK(error_of([&] { open_with(folder / "made.tif", ReaderChoice::Tiff); }, &message) == ErrorCode::Unsupported);
    CHECK(message.find("made.tif") != std::string::npos);
    return message;
  };
  MadeTiff turned;
  turned.orientation = 3;
  CHECK(reason_of(turned).find("level 0: rows that do not start at the top left") != std::string::npos);
  MadeTiff missing;
  missing.change = [](int tile, std::vector<std::byte>& bytes) {
    if (tile == 3) bytes.clear();
  };
  CHECK(reason_of(missing).find("level 0: missing tiles") != std::string::npos);
  if (const auto picture = shared_data("slides/other/histolab-kidney-48-5.tif")) {
    for (const ReaderChoice reader : {ReaderChoice::OpenSlide, ReaderChoice::Tiff}) {
      CHECK(error_of([&] { open_with(*picture, reader); }) == ErrorCode::Unsupported);
    }
  }
}

TEST_CASE("Damaged tiles are named and the others still read") {
  const TemporaryFolder folder;
  const auto damage = [&](MadeTiff tiff, std::function<void(std::vector<std::byte>&)> change, const char* words) {
    tiff.change = [&](int tile, std::vector<std::byte>& bytes) {
      if (tile == 6) change(bytes);
    };
    write_tiff(folder / "damaged.tif", tiff);
    const auto slide = open_with(folder / "damaged.tif", ReaderChoice::Auto);
    CHECK(reads_tiles(*slide));
    for (int again = 0; again < 2; ++again) {
      std::string message;
      CHECK(error_of([&] { slide->read_region({0, 0}, 0, {300, 200}); }, &message) == ErrorCode::Corrupt);
      CHECK_MESSAGE(message.find("damaged.tif: level 0") != std::string::npos, message);
      CHECK_MESSAGE(message.find("tile (1, 1): ") != std::string::npos, message);
      CHECK_MESSAGE(message.find(words) != std::string::npos, message);
    }
    CHECK(slide->read_region({0, 0}, 0, {300, 64}).width() == 300);
  };
  const MadeTiff jpeg;
  damage(jpeg, [](auto& bytes) { bytes.resize(bytes.size() / 2); }, "JPEG: ");
  damage(jpeg, [](auto& bytes) { bytes.resize(1); }, "JPEG: ");
  damage(jpeg, [](auto& bytes) { std::fill(bytes.begin(), bytes.end(), std::byte{0x55}); }, "JPEG: Not a JPEG");
  damage(jpeg, [](auto& bytes) { std::fill(bytes.begin() + 700, bytes.end(), std::byte{0xFF}); }, "JPEG: ");
  MadeTiff plain;
  plain.compression = 1;
  plain.photometric = 2;
  damage(plain, [](auto& bytes) { bytes.resize(bytes.size() / 2); }, "");
}

TEST_CASE("A TIFF with any byte changed is read or refused") {
  const TemporaryFolder folder;
  MadeTiff tiff;
  tiff.width = tiff.height = 100;
  int read_count = 0;
  int refused_count = 0;
  for (const int compression : {7, 1}) {
    tiff.compression = compression;
    tiff.photometric = compression == 1 ? 2 : 6;
    write_tiff(folder / "whole.tif", tiff);
    const std::string whole = read_text(folder / "whole.tif");
    std::mt19937 random(5);
    for (int i = 0; i < 400; ++i) {
      std::string changed = whole;
      // Half of them in the directory at the end.
      const std::size_t place = i % 2 == 0 ? random() % whole.size() : whole.size() - 1 - random() % 200;
      changed[place] = static_cast<char>(random());
      if (i % 10 == 9) changed.resize(random() % whole.size());
      write_text(folder / "changed.tif", changed);
      try {
        const auto slide = open_with(folder / "changed.tif", ReaderChoice::Auto);
        slide->read_region({0, 0}, 0, {100, 100});
        ++read_count;
      } catch (const Error& error) {
        CHECK_MESSAGE(std::string(error.what()).find("changed.tif") != std::string::npos, error.what());
        ++refused_count;
      }
    }
  }
  CHECK(read_count > 0);
  CHECK(refused_count > 0);
}

TEST_CASE("A slide that is cut while it is open gives an error") {
  const TemporaryFolder folder;
  for (const int compression : {7, 1}) {
    MadeTiff tiff;
    tiff.compression = compression;
    tiff.photometric = compression == 1 ? 2 : 6;
    write_tiff(folder / "cut.tif", tiff);
    const auto slide = open_with(folder / "cut.tif", ReaderChoice::Tiff);
    std::filesystem::resize_file(folder / "cut.tif", 1000);
    CHECK(error_of([&] { slide->read_region({0, 0}, 0, {300, 200}); }) == ErrorCode::Corrupt);
  }
}

TEST_CASE("A tile that many threads want is decoded once") {
  slide::TileCache cache(100);
  std::atomic<int> decoded = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&] {
        for (std::uint64_t key = 0; key < 10; ++key) {
          const auto tile = cache.get(key, 10, [&](std::uint8_t* bytes) {
            std::fill_n(bytes, 10, static_cast<std::uint8_t>(key));
            ++decoded;
          });
          wrong += std::count(tile.get(), tile.get() + 10, key) != 10;
        }
      });
    }
  }
  CHECK(decoded == 10);
  CHECK(wrong == 0);
}

TEST_CASE("The tile cache drops what was used longest ago and asks again after an error") {
  slide::TileCache cache(30);
  std::vector<int> decoded(5);
  const auto use = [&](int key) {
    return cache.get(static_cast<std::uint64_t>(key), 10, [&](std::uint8_t* bytes) {
      ++decoded[static_cast<std::size_t>(key)];
      std::fill_n(bytes, 10, static_cast<std::uint8_t>(key));
    });
  };
  for (const int key : {0, 1, 2, 0, 3, 0, 1}) use(key);
  CHECK(decoded == std::vector{1, 2, 1, 1, 0});
  const auto held = use(2);
  for (const int key : {0, 1, 3, 4}) use(key);
  CHECK(held[0] == 2);  // although it has left the cache
  const auto fail = [](std::uint8_t*) { throw Error(ErrorCode::Corrupt, "damaged"); };
  CHECK(error_of([&] { cache.get(9, 10, fail); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { cache.get(9, 10, fail); }) == ErrorCode::Corrupt);
  // Larger than the limit: handed out, and nothing else kept.
  const auto large = cache.get(7, 50, [](std::uint8_t* bytes) { std::fill_n(bytes, 50, std::uint8_t{7}); });
  CHECK(large[49] == 7);
}

}  // namespace hipt::test
