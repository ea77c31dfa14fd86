#include <doctest/doctest.h>

#include "hipt/cohort/outcome.h"
#include "hipt/cohort/process_list.h"

#include "test/support/support.h"

using namespace hipt;
using cohort::Outcome;
using cohort::Status;
using cohort::StudyFolder;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;

namespace {

// CLAM's columns with its defaults, as of the oracle's case cmu-default-256.
Outcome clam_defaults(std::string slide_id) {
  Outcome outcome;
  outcome.slide_id = std::move(slide_id);
  outcome.columns = {{"seg_level", "0"},      {"sthresh", "8"},         {"mthresh", "7"},
                     {"close", "4"},          {"use_otsu", "False"},    {"keep_ids", "none"},
                     {"exclude_ids", "none"}, {"a_t", "100.0"},         {"a_h", "16.0"},
                     {"max_n_holes", "8"},    {"vis_level", "0"},       {"line_thickness", "250"},
                     {"use_padding", "True"}, {"contour_fn", "four_pt"}};
  return outcome;
}

}  // namespace

TEST_CASE("process list: the columns and cells of oracle case cmu-default-256 and the reason behind them") {
  const TemporaryFolder folder;
  cohort::record_outcome({folder.path()}, "CMU-1-Small-Region", clam_defaults("CMU-1-Small-Region.svs"));
  cohort::rebuild_process_list({folder.path()});
  CHECK(test::read_text(folder / "process_list_autogen.csv") ==
        "slide_id,process,status,seg_level,sthresh,mthresh,close,use_otsu,keep_ids,exclude_ids,a_t,a_h,max_n_holes,"
        "vis_level,line_thickness,use_padding,contour_fn,reason\n"
        "CMU-1-Small-Region.svs,0,processed,0,8,7,4,False,none,none,100.0,16.0,8,0,250,True,four_pt,\n");
}

TEST_CASE("process list: sorted by slide with failures and unlike columns and names that need quotes") {
  const TemporaryFolder folder;
  const StudyFolder study{folder.path()};
  const auto record = [&](const std::string& id, const std::string& slide_id, cohort::Columns columns) {
    Outcome outcome;
    outcome.slide_id = slide_id;
    outcome.columns = std::move(columns);
    if (outcome.columns.empty()) {
      outcome.status = Status::Failed;
      outcome.reason = "a.svs: level 2: broken\nsecond line";
    }
    cohort::record_outcome(study, id, outcome);
  };
  record("b", "b.svs", {{"seg_level", "2"}, {"patches", "9"}});
  record("x", "x, \"1\".svs", {{"seg_level", "0"}, {"sthresh", "8"}, {"patches", "5"}});
  record("a", "a.svs", {});
  cohort::rebuild_process_list(study);
  CHECK(test::read_text(study.process_list()) ==
        "slide_id,process,status,seg_level,sthresh,patches,reason\n"
        "a.svs,1,failed,,,,\"a.svs: level 2: broken\nsecond line\"\n"
        "b.svs,0,processed,2,,9,\n"
        "\"x, \"\"1\"\".svs\",0,processed,0,8,5,\n");
}

TEST_CASE("process list: without outcomes it has a header alone") {
  const TemporaryFolder folder;
  cohort::rebuild_process_list({folder.path()});
  CHECK(test::read_text(folder / "process_list_autogen.csv") == "slide_id,process,status,reason\n");
}

TEST_CASE("outcome: a record reads back and a later one replaces it") {
  const TemporaryFolder folder;
  const StudyFolder study{folder.path()};
  Outcome outcome = clam_defaults("a.svs");
  outcome.reason = "no tissue: every contour is smaller than a_t";
  cohort::record_outcome(study, "a", outcome);
  std::vector<Outcome> recorded = cohort::recorded_outcomes(study);
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].slide_id == "a.svs");
  CHECK(recorded[0].status == Status::Processed);
  CHECK(recorded[0].reason == outcome.reason);
  CHECK(recorded[0].columns == outcome.columns);

  outcome.status = Status::Failed;
  outcome.reason = "disk full";
  cohort::record_outcome(study, "a", outcome);
  recorded = cohort::recorded_outcomes(study);
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].status == Status::Failed);
}

TEST_CASE("outcome: a later verb keeps the columns that it does not know") {
  const TemporaryFolder folder;
  const StudyFolder study{folder.path()};
  Outcome tile = clam_defaults("a.svs");
  tile.columns.emplace_back("n_contours", "3");
  tile.columns.emplace_back("n_patches", "50");
  cohort::record_outcome(study, "a", tile);
  Outcome tissue = clam_defaults("a.svs");
  tissue.columns.resize(12);  // without use_padding and contour_fn
  tissue.columns[1].second = "15";
  tissue.columns.emplace_back("n_contours", "4");
  cohort::record_outcome(study, "a", tissue);
  cohort::Columns expected = tile.columns;
  expected[1].second = "15";
  expected[14].second = "4";
  CHECK(cohort::recorded_outcomes(study).at(0).columns == expected);
}

TEST_CASE("outcome: work already done does not replace how it was made") {
  const TemporaryFolder folder;
  const StudyFolder study{folder.path()};
  cohort::record_outcome(study, "a", clam_defaults("a.svs"));
  const std::string made = test::read_text(study.outcome("a"));
  Outcome again;
  again.slide_id = "a.svs";
  again.status = Status::AlreadyExist;
  cohort::record_outcome(study, "a", again);
  CHECK(test::read_text(study.outcome("a")) == made);
}

TEST_CASE("outcome: a run killed before its record leaves the same bytes once resumed") {
  const TemporaryFolder undisturbed, resumed;
  cohort::record_outcome({undisturbed.path()}, "a", clam_defaults("a.svs"));
  Outcome again = clam_defaults("a.svs");
  again.status = Status::AlreadyExist;
  cohort::record_outcome({resumed.path()}, "a", again);
  CHECK(test::read_text(resumed / "outcomes/a.json") == test::read_text(undisturbed / "outcomes/a.json"));
}

TEST_CASE("outcome: half-written files of others are passed over and a broken record is named") {
  const TemporaryFolder folder;
  const StudyFolder study{folder.path()};
  cohort::record_outcome(study, "a", clam_defaults("a.svs"));
  test::write_text(folder / "outcomes/b.tmp-0-1-2.json", "{\"slide");
  test::write_text(folder / "outcomes/notes.txt", "mine");
  CHECK(cohort::recorded_outcomes(study).size() == 1);
  for (const char* text :
       {"", "{}", "[1]", "{\"slide_id\":\"c.svs\",\"status\":\"odd\",\"reason\":\"\",\"columns\":[]}"}) {
    test::write_text(folder / "outcomes/c.json", text);
    std::string message;
    CHECK(error_of([&] { cohort::recorded_outcomes(study); }, &message) == ErrorCode::Corrupt);
    CHECK(message.find("outcomes/c.json") != std::string::npos);
  }
  cohort::record_outcome(study, "c", clam_defaults("c.svs"));  // a new outcome mends it
  CHECK(cohort::recorded_outcomes(study).size() == 2);
}
