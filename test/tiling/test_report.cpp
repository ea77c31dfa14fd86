// The report: rows, notes and escaping as text, thumbnails as pictures. test/interop/test_report.py opens it in
// Chromium.

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/cohort/outcome.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/resample.h"
#include "hipt/tiling/report.h"
#include "hipt/tiling/report_page.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The row of a slide, from its name to the end of the row.
std::string row_of(const std::string& page, const std::string& name) {
  const std::size_t begin = page.rfind("<div class=\"row ", page.find("<bdi class=\"name\">" + name + "</bdi>"));
  return page.substr(begin, page.find("</div>\n</div>\n", page.find("class=\"scale\"", begin)) - begin);
}

struct Study {
  void add(const std::string& slide_id, std::int64_t patches, cohort::Columns more = {},
           cohort::Status status = cohort::Status::Processed, const std::string& reason = "") {
    cohort::Outcome outcome;
    outcome.slide_id = slide_id;
    outcome.status = status;
    outcome.reason = reason;
    if (status != cohort::Status::Failed) {
      outcome.columns = {{"sthresh", "8"}, {"a_t", "100.0"}};
      outcome.columns.insert(outcome.columns.end(), more.begin(), more.end());
      outcome.columns.emplace_back("n_contours", "3");
      outcome.columns.emplace_back("n_patches", fmt::format("{}", patches));
    }
    cohort::record_outcome(folder, std::filesystem::path(slide_id).stem().string(), outcome);
  }
  // A picture whose pixels and fingerprint are those of `version`.
  void draw(const std::filesystem::path& file, int width, int height, const std::string& version = "1") const {
    const std::vector<std::uint8_t> noise = formula_image("report", version, 4, 4);
    cohort::Fingerprint fingerprint;
    fingerprint.set("version", version);
    const image::RgbImage picture = image::resample({noise.data(), 4, 4, 12}, width, height, image::Filter::Bicubic);
    cohort::write_picture(file, picture.view(), fingerprint, {}, {});
  }
  std::string page() const {
    tiling::write_report(folder, quiet_context());
    return read_text(folder.report());
  }

  TemporaryFolder root;
  cohort::StudyFolder folder{root.path()};
};

TEST_CASE("The report has a row for each slide and says what to look at") {
  Study study;
  const cohort::Columns scale = {{"slide_mpp", "0.499"},
                                 {"slide_mpp_from", "aperio.MPP"},
                                 {"slide_magnification", "20"},
                                 {"read_size", "256"},
                                 {"patch_pixels", "256"}};
  const auto changed = [&](std::size_t place, const std::string& value) {
    cohort::Columns columns = scale;
    columns[place].second = value;
    return columns;
  };
  for (int i = 0; i < 5; ++i) study.add(fmt::format("good{}.svs", i), 1000 + i, scale);
  study.add("few.svs", 12, scale);
  study.add("guessed.tif", 900, changed(1, "tiff.XResolution"));
  study.add("unknown.tif", 900, {{"slide_mpp", ""}, {"slide_mpp_from", ""}, {"slide_magnification", ""}});
  study.add("enlarged.svs", 900, changed(3, "128"));
  study.add("empty.svs", 0, scale, cohort::Status::Processed, "no tissue: the largest of 3 areas");
  study.add("broken.svs", 0, {}, cohort::Status::Failed, "/data/broken.svs: level 0: JPEG ends early");
  const std::string page = study.page();

  CHECK(count_of(page, "<bdi class=\"name\">") == 11);
  CHECK(contains(row_of(page, "good0.svs"), "fine"));
  CHECK(contains(row_of(page, "good0.svs"), ">1,000</span>"));
  CHECK(contains(row_of(page, "good0.svs"), "0.499 \u00b5m/px\n20\u00d7"));
  CHECK(contains(row_of(page, "few.svs"), "<li>Few patches: the study&#39;s median is 1000.</li>"));
  CHECK(contains(row_of(page, "few.svs"), "\u26a0 to look at"));
  CHECK(contains(row_of(page, "guessed.tif"), "guessed from the TIFF&#39;s resolution"));
  CHECK(contains(row_of(page, "unknown.tif"), "neither microns per pixel nor objective"));
  CHECK(contains(row_of(page, "enlarged.svs"), "enlarged from 128 to 256 px"));
  CHECK(contains(row_of(page, "enlarged.svs"), "read_size 128"));
  CHECK_FALSE(contains(row_of(page, "enlarged.svs"), "a_t"));
  CHECK(contains(row_of(page, "empty.svs"), "<li>no tissue: the largest of 3 areas</li>"));
  CHECK(contains(row_of(page, "broken.svs"), "<li>level 0: JPEG ends early</li>"));
  CHECK(contains(row_of(page, "broken.svs"), "row failed"));
  CHECK(count_of(page, "class=\"row fine\"") == 5);
  CHECK(count_of(page, "class=\"row look\"") == 5);
  CHECK(count_of(page, "class=\"row failed\"") == 1);
  CHECK(contains(page, "<dt>a_t</dt><dd>100.0</dd>"));
  CHECK_FALSE(contains(page, "<dt>read_size</dt>"));
  CHECK(contains(page, "<dt>without a patch</dt><dd>1</dd>"));
  CHECK(contains(page, "<dt>patches</dt><dd>7,722</dd>"));

  CHECK(study.page() == page);  // nothing of time or place in it
  CHECK_FALSE(contains(page, study.root.path().string()));
}

TEST_CASE("The report's thumbnails are made once and follow their pictures") {
  Study study;
  study.add("a.svs", 10);
  const std::filesystem::path mask = study.folder.mask("a");
  const std::filesystem::path thumbnail = study.folder.report_thumbnail("a", "mask");
  study.draw(mask, 1000, 500);
  study.draw(study.folder.stitch("a"), 100, 700);
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK(image::read_jpeg(thumbnail).width() == 320);
  CHECK(image::read_jpeg(thumbnail).height() == 160);
  CHECK(image::read_jpeg(study.folder.report_thumbnail("a", "stitch")).width() == 34);
  CHECK(image::read_jpeg(study.folder.report_thumbnail("a", "stitch")).height() == 240);
  const std::string bytes = read_text(thumbnail);
  const auto written = std::filesystem::last_write_time(thumbnail);
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK(std::filesystem::last_write_time(thumbnail) == written);

  write_text(thumbnail, bytes.substr(0, 10));
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK(read_text(thumbnail) == bytes);
  study.draw(mask, 1000, 500, "2");
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK(read_text(thumbnail) != bytes);
  CHECK(error_of([&] {
          study.draw(mask, 1000, 500, "3");
          tiling::write_report_thumbnails("a", study.folder, [] { return false; });
        }) == ErrorCode::Io);

  // Small pictures are not enlarged, damaged ones cost their thumbnail alone, and what is gone is not shown.
  study.draw(mask, 30, 20);
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK(image::read_jpeg(thumbnail).width() == 30);
  std::filesystem::remove(mask);
  tiling::write_report_thumbnails("a", study.folder, {});
  CHECK_FALSE(std::filesystem::exists(thumbnail));
  write_text(mask, "no picture");
  tiling::write_report_thumbnails("a", study.folder, {});
  const std::string page = study.page();
  CHECK(contains(page, "no picture</span>"));
  CHECK(contains(page,
                 "<img src=\"report_thumbnails/a.stitch.jpg\" alt=\"stitched patches of a.svs\" width=\"160\" "
                 "height=\"120\" loading=\"lazy\""));
}

TEST_CASE("The report makes the thumbnails that earlier runs did not") {
  Study study;
  study.add("a.svs", 10);
  study.draw(study.folder.mask("a"), 640, 480);
  CHECK(contains(study.page(), "report_thumbnails/a.mask.jpg"));
  CHECK(image::read_jpeg(study.folder.report_thumbnail("a", "mask")).width() == 320);
}

TEST_CASE("The report escapes whatever a slide is called") {
  Study study;
  const std::string names[] = {"<img src=x onerror=alert(1)>.svs", "a\" onload=\"alert(2)&amp;.svs",
                               "50%25 #1? 'x' \\ \u00e9\u202e.svs", "</script><script>alert(3)<!--.svs",
                               "\x01\x1b[0m.svs"};
  for (const std::string& name : names) {
    study.add(name, 10, {{"keep_ids", name}}, cohort::Status::Processed, "reason " + name);
    study.draw(study.folder.mask(std::filesystem::path(name).stem().string()), 40, 30);
  }
  const std::string page = study.page();
  CHECK(count_of(page, "<bdi class=\"name\">") == 5);
  CHECK(count_of(page, "<script") == 1);
  CHECK(count_of(page, "<img ") == 5);
  CHECK(count_of(page, "onerror=") == count_of(page, "&lt;img src=x onerror="));
  CHECK_FALSE(contains(page, "onload=\""));
  CHECK_FALSE(contains(page, "\x1b"));
  CHECK(contains(page, "src=\"report_thumbnails/50%2525%20%231%3F%20%27x%27%20%5C%20%C3%A9%E2%80%AE.mask.jpg\""));
  CHECK(contains(page, "href=\"masks/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.png\""));
}

TEST_CASE("The report of a study without slides is a page") {
  const Study study;
  CHECK(contains(study.page(), "<dt>slides</dt><dd>0</dd>"));
}

}  // namespace
}  // namespace hipt::test
