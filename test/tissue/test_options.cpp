// Presets, refusals and the tissue of a slide in a study's folder.

#include <fmt/format.h>

#include "hipt/tissue/study.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

TEST_CASE("presets have the published numbers") {
  // spec: CLAM's script defaults and presets/bwh_biopsy.csv, bwh_resection.csv, tcga.csv.
  const auto numbers = [](std::string_view name) {
    const tissue::TissueOptions o = tissue::preset(name);
    return fmt::format("{} {} {} {} {} {} {} {} {} {}", o.seg_level, o.sthresh, o.mthresh, o.close, o.use_otsu, o.a_t,
                       o.a_h, o.max_n_holes, o.vis_level, o.line_thickness);
  };
  CHECK(numbers("default") == "-1 8 7 4 false 100 16 8 -1 250");
  CHECK(numbers("bwh_biopsy") == "-1 15 11 2 false 1 1 2 -1 50");
  CHECK(numbers("bwh_resection") == "-1 15 11 4 false 100 16 8 -1 150");
  CHECK(numbers("tcga") == "-1 8 7 4 false 16 4 8 -1 100");
  std::string message;
  CHECK(error_of([] { tissue::preset("biopsy"); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "--preset biopsy: the presets are default, bwh_biopsy, bwh_resection, tcga");
}

TEST_CASE("options that the published script crashes on are refused with a reason") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  std::string message;
  tissue::TissueOptions even;
  even.mthresh = 4;  // case cmu-mthresh-even
  CHECK(error_of([&] { tissue::segment(*slide, even); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message == "--mthresh 4: the median filter needs an odd side, such as 5");
  tissue::TissueOptions missing;
  missing.seg_level = 1;  // case cmu-seg-level-missing
  CHECK(error_of([&] { tissue::segment(*slide, missing); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.ends_with("CMU-1-Small-Region.svs: --seg_level 1: the slide has only level 0"));
}

TEST_CASE("an empty result at a virtual level says so") {
  tissue::Tissue tissue;
  tissue.reduction = 64;
  tissue.threshold = 8;
  CHECK(tissue::explain_no_tissue(tissue, {}) ==
        "no tissue: nothing on level 0, seen 64 times reduced, is more saturated than 8; try a lower --sthresh or "
        "--use_otsu");
}

TEST_CASE("a kept contour that does not exist is refused: cmu-keep-out-of-range") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  tissue::TissueOptions options = tissue::preset("bwh_biopsy");
  options.keep_ids = {0, 99};
  std::string message;
  CHECK(error_of([&] { tissue::segment(*slide, options); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.ends_with("CMU-1-Small-Region.svs: --keep_ids 99: 1 contour was found, numbered from 0; "
                                  "--number_contours draws them"),
                message);
  options.exclude_ids = {99};  // set difference, as published: the absent one is not looked for
  CHECK(tissue::segment(*slide, options).contours.size() == 1);
  options.exclude_ids = {0, 99};
  const tissue::Tissue none = tissue::segment(*slide, options);
  CHECK(none.left_out.size() == 1);
  CHECK(tissue::explain_no_tissue(none, options) ==
        "no tissue: --keep_ids and --exclude_ids leave none of the 1 contours found");
}

TEST_CASE("one id in keep_ids is a list of one: cmu-keep-one-id-in-csv") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  tissue::TissueOptions options;
  set_from_texts(options, {{"a_t", "0.01"}, {"keep_ids", "0"}});
  CHECK(tissue::segment(*slide, options).contours.size() == 1);
  options.keep_ids = {5, 1, 3};
  const auto columns = tissue::process_list_columns(*slide, options);
  CHECK(columns[5] == std::pair<std::string, std::string>{"keep_ids", "5,1,3"});
  CHECK(columns[6] == std::pair<std::string, std::string>{"exclude_ids", "none"});
}

TEST_CASE("the fingerprint of a segmentation is of what decides the contours") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  const auto of = [&](const auto& change) {
    tissue::TissueOptions options;
    change(options);
    return tissue::segmentation_fingerprint(*slide, options);
  };
  const cohort::Fingerprint plain = of([](auto&) {});
  CHECK(plain == of([](auto& o) { o.seg_level = 0; }));  // what -1 means here
  CHECK(plain == of([](auto& o) { o.line_thickness = 7; }));
  CHECK(plain != of([](auto& o) { o.a_t = 99; }));
  CHECK(of([](auto& o) { o.use_otsu = true; }) == of([](auto& o) { o.use_otsu = true, o.sthresh = 20; }));
  CHECK(plain.entries().contains("slide_hash"));
}

TEST_CASE("tissue of a slide is made once and then found") {
  const auto path = demo_slide();
  if (!path) return skip("CMU-1-Small-Region.svs is not here");
  const auto slide = slide::open_slide(*path);
  const TemporaryFolder folder;
  const cohort::StudyFolder root{folder.path()};
  const tissue::TissueOptions biopsy = tissue::preset("bwh_biopsy");
  const cohort::Outcome made = tissue::tissue_of_slide(*slide, biopsy, root, true, {});
  CHECK(made.status == cohort::Status::Processed);
  CHECK(made.columns.back() == std::pair<std::string, std::string>{"n_contours", "1"});
  const std::string mask = read_text(root.mask(slide->id()));
  const std::string contours = read_text(root.contours(slide->id()));
  const cohort::Outcome found = tissue::tissue_of_slide(*slide, biopsy, root, true, {});
  CHECK(found.status == cohort::Status::AlreadyExist);
  CHECK(found.columns == made.columns);
  CHECK(tissue::tissue_of_slide(*slide, biopsy, root, false, {}).status == cohort::Status::Processed);
  CHECK(read_text(root.mask(slide->id())) == mask);
  CHECK(read_text(root.contours(slide->id())) == contours);
  std::string message;
  CHECK(error_of([&] { tissue::tissue_of_slide(*slide, {}, root, true, {}); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("a_t: 1 there, 100 now") != std::string::npos, message);
}

TEST_SUITE("slow") {
  TEST_CASE("a segmentation level of over 1e8 pixels is seen 64 times reduced: m20-seg0-too-large") {
    const auto path = shared_data("slides/made/mosaic-20x.svs");
    if (!path) return skip("mosaic-20x.svs is not here");
    const auto slide = slide::open_slide(*path);
    tissue::TissueOptions options = tissue::preset("tcga");
    options.seg_level = 0;
    const tissue::Tissue tissue = tissue::segment(*slide, options);
    CHECK(tissue.seg_level == 0);
    CHECK(tissue.reduction == 64);
    // The file's own averages at level 2 (16 times) show the same pieces.
    const tissue::Tissue by_level = tissue::segment(*slide, tissue::preset("tcga"));
    CHECK(tissue.contours.size() == by_level.contours.size());
    const cohort::Fingerprint fingerprint = tissue::segmentation_fingerprint(*slide, options);
    CHECK(fingerprint.entries().at("seg_reduction") == "64");
    CHECK_FALSE(tissue::segmentation_fingerprint(*slide, {}).entries().contains("seg_reduction"));
  }
}

}  // namespace
}  // namespace hipt::test
