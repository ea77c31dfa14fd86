// Patches as pictures: what libarchive and the decoders read back is what read_patch gives.

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/base/version.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/png.h"
#include "hipt/tiling/export.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(const std::filesystem::path& file) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(), &archive_read_free);
  archive_read_support_format_tar(tar.get());
  REQUIRE(archive_read_open_filename(tar.get(), file.c_str(), 1 << 16) == ARCHIVE_OK);
  Members members;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(tar.get(), &entry) == ARCHIVE_OK) {
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(tar.get(), content.data(), content.size()) == static_cast<la_ssize_t>(content.size()));
    members.emplace_back(archive_entry_pathname(entry), std::move(content));
  }
  return members;
}

std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_text(entry.path());
  }
  return files;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A slide whose name has dots, with 60 patches of 64 px that are read as 96 px; one hangs over the border and one
// place comes twice.
struct Export {
  Export() {
    const std::vector<std::uint8_t> pixels = formula_image("export", "slide", 700, 900);
    image::write_png(slides / "TCGA-1.F6E9.v2.png", {pixels.data(), 900, 700, 900 * 3});
    slide = slide::open_slide(slides / "TCGA-1.F6E9.v2.png");
    for (std::int64_t x = 0; x < 10; ++x) {
      for (std::int64_t y = 0; y < 6; ++y) tiles.coordinates.points.push_back({85 * x + 1, 110 * y});
    }
    tiles.coordinates.points.push_back(tiles.coordinates.points[7]);
    tiles.coordinates.pixels = {0, 96, 64};
    tiles.fingerprint.set("patch_size", "96");
    tiles.attributes = {{"patch_mpp", 0.75}, {"target_magnification", std::int64_t{20}}};
  }

  bool run(const tiling::ExportOptions& options, bool auto_skip = true, const cohort::StillOurs& still_ours = {}) {
    return tiling::export_patches(*slide, tiles, options, folder, auto_skip, quiet_context(), still_ours);
  }
  std::string png(std::size_t index) const {
    const image::RgbImage patch = tiling::read_patch(*slide, tiles.coordinates.pixels, tiles.coordinates.points[index]);
    return text_of(image::encode_png(patch.view()));
  }
  std::filesystem::path tar() const { return folder.root / "tar_patch_64/TCGA-1.F6E9.v2.tar"; }
  std::filesystem::path images() const { return folder.root / "patch_images/TCGA-1.F6E9.v2"; }

  TemporaryFolder slides;
  TemporaryFolder out;
  cohort::StudyFolder folder{out.path()};
  std::shared_ptr<const slide::Slide> slide;
  tiling::TileResult tiles;
};

std::size_t files_below(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file();
  return count;
}

TEST_CASE("An archive of patches holds their pixels in order with safe keys") {
  Export one;
  CHECK(one.run({.tar = true}));
  const Members members = members_of(one.tar());
  REQUIRE(members.size() == 1 + 2 * 60);
  CHECK(members[0].first == "__hipt__");
  const auto record = nlohmann::json::parse(members[0].second);
  CHECK(record.at("hipt_version") == std::string(version()));
  CHECK(record.at("hipt_fingerprint").at("patch_size") == "96");
  CHECK(record.at("hipt_fingerprint").at("dump_patches_format") == "png");
  CHECK(record.at("hipt_fingerprint").at("coordinates_sha256") == tiling::coordinates_sha256(one.tiles.coordinates));
  for (std::size_t i = 0; i < 60; ++i) {
    const Level0Point corner = one.tiles.coordinates.points[i];
    const std::string key = fmt::format("TCGA-1_F6E9_v2_{}_{}", corner.x, corner.y);
    CHECK(members[1 + 2 * i].first == key + ".png");
    CHECK(members[1 + 2 * i].second == one.png(i));
    CHECK(members[2 + 2 * i].first == key + ".json");
    CHECK(nlohmann::json::parse(members[2 + 2 * i].second) == nlohmann::json({{"slide", "TCGA-1.F6E9.v2"},
                                                                              {"x", corner.x},
                                                                              {"y", corner.y},
                                                                              {"level", 0},
                                                                              {"read_size", 96},
                                                                              {"patch_size", 64},
                                                                              {"mpp", 0.75},
                                                                              {"magnification", 20}}));
  }
}

TEST_CASE("A folder of patches holds their pictures and what made them") {
  Export one;
  CHECK(one.run({.dump_patches = true, .dump_patches_format = tiling::PatchFormat::Jpg}));
  const auto files = files_of(one.images());
  CHECK(files.size() == 61);
  CHECK(files.contains("hipt.json"));
  const image::RgbImage patch = tiling::read_patch(*one.slide, one.tiles.coordinates.pixels, {86, 220});
  REQUIRE(files.contains("TCGA-1.F6E9.v2_86_220.jpg"));
  CHECK(files.at("TCGA-1.F6E9.v2_86_220.jpg") == text_of(image::encode_jpeg(patch.view(), 90)));
  CHECK(files_below(one.folder.root) == 61);
}

TEST_CASE("Pictures that are there and equal are left alone and others are refused") {
  Export one;
  const tiling::ExportOptions both{.tar = true, .dump_patches = true};
  CHECK(one.run(both));
  const std::string tar = read_text(one.tar());
  const auto images = files_of(one.images());
  CHECK_FALSE(one.run(both));
  std::filesystem::remove(one.tar());
  CHECK(one.run(both));
  CHECK(read_text(one.tar()) == tar);
  std::filesystem::remove_all(one.images());
  CHECK(one.run(both));
  CHECK(files_of(one.images()) == images);

  std::string message;
  tiling::ExportOptions other = both;
  other.dump_patches_format = tiling::PatchFormat::Jpg;
  CHECK(error_of([&] { one.run(other); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("dump_patches_format: png there, jpg now") != std::string::npos, message);
  other.tar = false;
  CHECK(error_of([&] { one.run(other); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("dump_patches_format: png there, jpg now") != std::string::npos, message);
  CHECK(one.run(other, false));
  CHECK(files_of(one.images()).size() == 61);
  CHECK_FALSE(files_of(one.images()).contains("TCGA-1.F6E9.v2_86_220.png"));
  CHECK_FALSE(one.run(other));
  other.dump_patches_jpeg_quality = 80;
  CHECK(error_of([&] { one.run(other); }) == ErrorCode::InvalidArgument);
  one.tiles.coordinates.points.pop_back();
  CHECK(error_of([&] { one.run(both); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("coordinates_sha256") != std::string::npos, message);
}

TEST_CASE("Pictures appear whole or not at all") {
  Export one;
  const tiling::ExportOptions both{.tar = true, .dump_patches = true};
  CHECK(error_of([&] { one.run(both, true, [] { return false; }); }) == ErrorCode::Io);
  CHECK(files_below(one.folder.root) == 0);

  // A slide without patches has no pictures.
  one.tiles.coordinates.points.clear();
  CHECK_FALSE(one.run(both));
  CHECK(files_below(one.folder.root) == 0);
}

TEST_CASE("Pictures do not depend on the number of threads") {
  Export one;
  CHECK(one.run({.tar = true}));
  const std::string expected = read_text(one.tar());
  for (const std::size_t threads : {1, 7}) {
    ThreadPool pool(threads);
    RunContext context{pool, silent_log(), silent_progress(), {}};
    CHECK(tiling::export_patches(*one.slide, one.tiles, {.tar = true}, one.folder, false, context, {}));
    CHECK(read_text(one.tar()) == expected);
    // From a thread of the pool itself, as when slides are worked on by it.
    pool.parallel_for(1, [&](std::size_t) {
      tiling::export_patches(*one.slide, one.tiles, {.tar = true}, one.folder, false, context, {});
    });
    CHECK(read_text(one.tar()) == expected);
  }
}

// A slide without pixels that does something when patch number `last` is read.
class CountingSlide final : public slide::Slide {
 public:
  CountingSlide(int last, std::function<void()> then) : left_(last), then_(std::move(then)) {
    path_ = "counting.svs";
    levels_.push_back({{100000, 100000}, 1.0, {1.0, 1.0}});
  }
  image::RgbImage read_associated_image(const std::string&) const override { return {}; }

 protected:
  void read_into(Level0Point, int, Size size, std::uint8_t* rgb) const override {
    std::fill_n(rgb, size.width * size.height * 3, std::uint8_t{0});
    if (--left_ == 0) then_();
  }

 private:
  mutable std::atomic<int> left_;
  std::function<void()> then_;
};

TEST_CASE("Pictures of a slide with a damaged tile are not left half done") {
  Export one;
  for (const int last : {1, 2, 30, 60}) {
    const CountingSlide slide(last, [] { throw Error(ErrorCode::Corrupt, "damaged tile"); });
    CHECK(error_of([&] {
            tiling::export_patches(slide, one.tiles, {.tar = true, .dump_patches = true}, one.folder, true,
                                   quiet_context(), {});
          }) == ErrorCode::Corrupt);
    CHECK(files_below(one.folder.root) == 0);
  }
}

TEST_CASE("Pictures are not left half done when the run is stopped") {
  Export one;
  for (const int last : {1, 2, 30}) {
    for (const std::size_t threads : {1, 4}) {
      std::stop_source stop;
      ThreadPool pool(threads);
      RunContext context{pool, silent_log(), silent_progress(), stop.get_token()};
      const CountingSlide slide(last, [&] { stop.request_stop(); });
      const auto run = [&] {
        tiling::export_patches(slide, one.tiles, {.tar = true, .dump_patches = true}, one.folder, true, context, {});
      };
      CHECK(error_of(run) == ErrorCode::Cancelled);
      CHECK(files_below(one.folder.root) == 0);
    }
  }
}

}  // namespace
}  // namespace hipt::test
