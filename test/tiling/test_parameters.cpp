#include <doctest/doctest.h>

#include "hipt/tiling/parameters.h"

#include "test/support/support.h"
#include "test/tiling/fake_slide.h"

using namespace hipt;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;
using tiling::apply_preset;

namespace {

// CLAM's presets/tcga.csv, as published.
constexpr const char* kTcga =
    "seg_level,sthresh,mthresh,close,use_otsu,a_t,a_h,max_n_holes,vis_level,line_thickness,white_thresh,black_thresh,"
    "use_padding,contour_fn,keep_ids,exclude_ids\n"
    "-1,8,7,4,FALSE,16,4,8,-1,100,5,50,TRUE,four_pt,none,none\n";

}  // namespace

TEST_CASE("parameters: the preset file of CLAM is the preset of its name") {
  const TemporaryFolder folder;
  test::write_text(folder / "mine.csv", kTcga);
  tissue::TissueOptions by_name, by_file, by_published_name;
  tiling::TileOptions tile;
  const OptionTexts untouched = option_texts(tile);
  apply_preset("tcga", by_name, tile);
  apply_preset(folder / "mine.csv", by_file, tile);
  apply_preset("tcga.csv", by_published_name, tile);
  CHECK(option_texts(by_file) == option_texts(by_name));
  CHECK(option_texts(by_published_name) == option_texts(by_name));
  CHECK(by_file.a_t == 16);
  CHECK(option_texts(tile) == untouched);  // white_thresh and black_thresh are unused there
}

TEST_CASE("parameters: a preset file sets tiles too and its blanks are the script's defaults") {
  const TemporaryFolder folder;
  test::write_text(folder / "mine.csv", "sthresh,close,use_padding,contour_fn\n20,,False,center\n");
  tissue::TissueOptions tissue;
  tissue.close = 9;
  tiling::TileOptions tile;
  apply_preset(folder / "mine.csv", tissue, tile);
  CHECK(tissue.sthresh == 20);
  CHECK(tissue.close == 4);
  CHECK(!tile.use_padding);
  CHECK(tile.contour_fn == tiling::ContourTest::Center);
}

TEST_CASE("parameters: a wrong preset is named") {
  const TemporaryFolder folder;
  tissue::TissueOptions tissue;
  tiling::TileOptions tile;
  std::string message;
  CHECK(error_of([&] { apply_preset("absent.csv", tissue, tile); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("bwh_biopsy") != std::string::npos);
  test::write_text(folder / "two.csv", "a_t\n1\n2\n");
  CHECK(error_of([&] { apply_preset(folder / "two.csv", tissue, tile); }, &message) == ErrorCode::InvalidArgument);
  test::write_text(folder / "bad.csv", "a_t\nmany\n");
  CHECK(error_of([&] { apply_preset(folder / "bad.csv", tissue, tile); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("bad.csv: a_t \"many\"") != std::string::npos);
}

TEST_CASE("parameters: a row of a process list changes what it says") {
  const test::FakeSlide slide({{12288, 10240}, {3072, 2560}, {768, 640}}, 20, 0.5);
  tissue::TissueOptions tissue = tissue::preset("tcga");
  tiling::TileOptions tile;
  tiling::apply_cells({{"sthresh", "15.0"},
                       {"a_t", ""},
                       {"keep_ids", "5,1,3"},
                       {"exclude_ids", "0"},
                       {"use_padding", "False"},
                       {"patch_size", "512"},
                       {"mpp", "0.25"},
                       {"white_thresh", "5"},
                       {"note", "anything"}},
                      slide, tissue, tile);
  CHECK(tissue.sthresh == 15);
  CHECK(tissue.a_t == 16);
  CHECK(tissue.keep_ids == std::vector<std::int64_t>{5, 1, 3});
  CHECK(tissue.exclude_ids == std::vector<std::int64_t>{0});
  CHECK(!tile.use_padding);
  CHECK(tile.patch_size == 512);
  CHECK(!tile.mpp.has_value());  // that is the slide's own
  std::string message;
  CHECK(error_of([&] { tiling::apply_cells({{"contour_fn", "five_pt"}}, slide, tissue, tile); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("four_pt_hard") != std::string::npos);
}

TEST_CASE("parameters: the legacy area of oracle case m20-legacy-a") {
  const test::FakeSlide slide({{12288, 10240}, {3072, 2560}, {768, 640}}, 20, 0.5);
  tissue::TissueOptions tissue;
  tiling::TileOptions tile;
  tiling::apply_cells({{"seg_level", "1"}, {"a", "300000"}, {"sthresh", "8"}}, slide, tissue, tile);
  CHECK(tissue.a_t == 18);
  CHECK(tissue.a_h == 16);
  CHECK(tissue.seg_level == -1);
  CHECK(tissue.vis_level == -1);
  CHECK(error_of([&] { tiling::apply_cells({{"a", "large"}}, slide, tissue, tile); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { tiling::apply_cells({{"a", "1"}, {"seg_level", "3"}}, slide, tissue, tile); }) ==
        ErrorCode::InvalidArgument);
}

TEST_CASE("parameters: columns as asked for are CLAM's with the row's own text") {
  cohort::SlideEntry slide;
  slide.cells = {{"seg_level", "9"}, {"a_t", "2.5"}, {"contour_fn", ""}};
  CHECK(tiling::columns_as_asked(slide, tissue::preset("tcga"), {}) == cohort::Columns{{"seg_level", "9"},
                                                                                       {"sthresh", "8"},
                                                                                       {"mthresh", "7"},
                                                                                       {"close", "4"},
                                                                                       {"use_otsu", "False"},
                                                                                       {"keep_ids", "none"},
                                                                                       {"exclude_ids", "none"},
                                                                                       {"a_t", "2.5"},
                                                                                       {"a_h", "4.0"},
                                                                                       {"max_n_holes", "8"},
                                                                                       {"vis_level", "-1"},
                                                                                       {"line_thickness", "100"},
                                                                                       {"use_padding", "True"},
                                                                                       {"contour_fn", "four_pt"}});
}
