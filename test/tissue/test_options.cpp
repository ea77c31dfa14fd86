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

TEST_CASE("a segmentation level of over 1e8 pixels is refused: m20-seg0-too-large") {
  const auto path = shared_data("slides/made/mosaic-20x.svs");
  if (!path) return skip("mosaic-20x.svs is not here");
  tissue::TissueOptions options;
  options.seg_level = 0;
  std::string message;
  CHECK(error_of([&] { tissue::segment(*slide::open_slide(*path), options); }, &message) == ErrorCode::Unsupported);
  CHECK_MESSAGE(message.find("level 0 has 12288 x 10240 pixels") != std::string::npos, message);
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

}  // namespace
}  // namespace hipt::test
