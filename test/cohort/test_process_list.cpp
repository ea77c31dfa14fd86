#include <doctest/doctest.h>

#include "hipt/cohort/process_list.h"

#include "test/support/support.h"

using namespace hipt;
using cohort::Columns;
using cohort::find_listed_slides;
using cohort::ListColumn;
using cohort::Outcome;
using cohort::Source;
using cohort::Status;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;

namespace {

// A folder with slides a.svs, b.svs, c.svs and a list beside it.
struct Listed {
  explicit Listed(const std::string& list) {
    std::filesystem::create_directory(folder / "slides");
    for (const char* name : {"a.svs", "b.svs", "c.svs"}) test::write_text(folder / "slides" / name, "");
    test::write_text(folder / "list.csv", list);
  }
  Source read() const { return find_listed_slides(folder / "slides", folder / "list.csv", false); }
  std::string refusal() const {
    std::string message;
    CHECK(error_of([&] { read(); }, &message) != ErrorCode::Internal);
    return message;
  }
  TemporaryFolder folder;
};

// The list that comes of outcomes with these columns for every row.
std::string rebuilt(const Listed& listed, const Columns& made) {
  const cohort::StudyFolder study{listed.folder / "out"};
  const Source source = listed.read();
  const auto record = [&](const cohort::SlideEntry& slide, Status status) {
    Outcome outcome;
    outcome.slide_id = slide.path.filename().string();
    outcome.status = status;
    outcome.columns = made;
    outcome.list_row = slide.list_row;
    outcome.columns = cohort::listed_columns(source, slide, outcome);
    cohort::record_outcome(study, slide.id, outcome);
  };
  for (const auto& slide : source.slides) record(slide, Status::Processed);
  for (const auto& slide : source.left_out) record(slide, Status::ToBeProcessed);
  cohort::rebuild_process_list(study);
  return test::read_text(study.process_list());
}

}  // namespace

TEST_CASE("process list: its rows give order and cells as pandas types their columns") {
  const Source source = Listed(
                            "slide_id,process,sthresh,a_t,use_otsu,keep_ids,exclude_ids,note\n"
                            "c.svs,1,15,0.5,TRUE,\"5,1,3\",0,x\n"
                            "a.svs,,,1,,none,7,NA\n"
                            "b.svs,0,8,2,false,,,y\n")
                            .read();
  REQUIRE(source.slides.size() == 2);
  CHECK(source.slides[0].id == "c");
  CHECK(source.slides[0].cells == Columns{{"sthresh", "15.0"},
                                          {"a_t", "0.5"},
                                          {"use_otsu", "True"},
                                          {"keep_ids", "5,1,3"},
                                          {"exclude_ids", "0.0"},
                                          {"note", "x"}});
  CHECK(source.slides[1].cells == Columns{{"sthresh", ""},
                                          {"a_t", "1.0"},
                                          {"use_otsu", ""},
                                          {"keep_ids", "none"},
                                          {"exclude_ids", "7.0"},
                                          {"note", ""}});
  CHECK(source.slides[1].list_row == 1);
  REQUIRE(source.left_out.size() == 1);
  CHECK(source.left_out[0].id == "b");
}

TEST_CASE("process list: the autogen text of oracle case multi-list-subset") {
  const Listed listed(
      "slide_id,process,sthresh,a_t,contour_fn\n"
      "b.svs,1,15,1,\n"
      "a.svs,0,,1,center\n");
  const Columns made = {{"seg_level", "-1"}, {"sthresh", "8"},        {"mthresh", "7"},          {"a_t", "100.0"},
                        {"a_h", "16.0"},     {"use_padding", "True"}, {"contour_fn", "four_pt"}, {"n_patches", "6"}};
  CHECK(rebuilt(listed, made) ==
        "slide_id,process,sthresh,a_t,contour_fn,status,seg_level,mthresh,a_h,use_padding,n_patches,reason\n"
        "b.svs,0,15.0,1,four_pt,processed,-1,7,16.0,True,6,\n"
        "a.svs,0,8.0,1,center,tbp,-1,7,16.0,True,6,\n");
}

TEST_CASE("process list: our own list goes in again and its results are those of the new run") {
  const Listed listed(
      "slide_id,process,status,seg_level,sthresh,n_patches,reason\n"
      "a.svs,1,failed,-1,8,,a.svs: broken\n");
  CHECK(rebuilt(listed, {{"seg_level", "2"}, {"sthresh", "8"}, {"n_patches", "50"}}) ==
        "slide_id,process,status,seg_level,sthresh,n_patches,reason\n"
        "a.svs,0,processed,2,8,50.0,\n");  // a column of blanks is one of floats
}

TEST_CASE("process list: a row left out does not replace what is known of its slide") {
  const Listed listed("slide_id,process\na.svs,1\nb.svs,0\n");
  const cohort::StudyFolder study{listed.folder / "out"};
  Outcome known;
  known.slide_id = "b.svs";
  known.columns = {{"n_patches", "7"}};
  cohort::record_outcome(study, "b", known);
  CHECK(rebuilt(listed, {{"n_patches", "1"}}) ==
        "slide_id,process,status,n_patches,reason\n"
        "a.svs,0,processed,1,\n"
        "b.svs,0,processed,7,\n");
}

TEST_CASE("process list: a slide that is absent stays and fails alone") {
  const Source source = Listed("slide_id\na.svs\nabsent.svs\n").read();
  REQUIRE(source.slides.size() == 2);
  CHECK(source.slides[1].path.filename() == "absent.svs");
}

TEST_CASE("process list: mpp is the slide's own") {
  CHECK(Listed("slide_id,mpp\na.svs,0.265\nb.svs,\n").read().slides[0].mpp == 0.265);
  CHECK(Listed("slide_id,mpp\na.svs,-1\n").refusal().find("row 2: mpp \"-1\"") != std::string::npos);
}

TEST_CASE("process list: what cannot be meant is refused with its row") {
  CHECK(Listed("slide\na.svs\n").refusal().find("no column \"slide_id\" among: slide") != std::string::npos);
  CHECK(Listed("slide_id\na.svs\n../b.svs\n").refusal().find("row 3: slide_id \"../b.svs\"") != std::string::npos);
  CHECK(Listed("slide_id\n/etc/passwd\n").refusal().find("row 2") != std::string::npos);
  CHECK(Listed("slide_id,a_t\n..,1\n").refusal().find("row 2") != std::string::npos);
  CHECK(Listed("slide_id,a_t\n,1\n").refusal().find("row 2") != std::string::npos);
  CHECK(Listed("slide_id\na.svs\na.svs\n").refusal().find("row 3") != std::string::npos);
  CHECK(Listed("slide_id,process\na.svs,0\n").refusal().find("has no row whose `process` is 1") != std::string::npos);
  CHECK(Listed("slide_id\n").refusal().find("lists no slide") != std::string::npos);
  const Listed listed("slide_id\na.svs\n");
  CHECK(error_of([&] { find_listed_slides(listed.folder / "slides/a.svs", listed.folder / "list.csv", false); }) ==
        ErrorCode::InvalidArgument);
}

TEST_CASE("process list: numbers print as Python prints them") {
  CHECK(cohort::python_number(100) == "100.0");
  CHECK(cohort::python_number(0.25) == "0.25");
  CHECK(cohort::python_number(0.00001) == "1e-05");
  CHECK(cohort::python_number(1e16) == "1e+16");
  CHECK(cohort::python_number(123456789012345.0) == "123456789012345.0");
  CHECK(cohort::python_number(-3) == "-3.0");
}
