// One case of the oracle's clam/ from end to end: a folder of slides, a process list, a preset and a grid in; contours,
// coordinates, pictures and process list out, each compared with what the published script wrote. The case's id comes
// by the environment (test/CMakeLists.txt makes a test of every case).

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/sha256.h"
#include "hipt/cohort/batch.h"
#include "hipt/cohort/process_list.h"
#include "hipt/image/png.h"
#include "hipt/io/csv.h"
#include "hipt/io/hdf5.h"
#include "hipt/tiling/parameters.h"
#include "hipt/tiling/study.h"
#include "hipt/tissue/study.h"

#include "test/support/clam_oracle.h"
#include "test/support/support.h"

using namespace hipt;
using cohort::Status;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Where the published program stops, or gives up a slide: what ours makes of it (docs/parity.md, "Where CLAM stops").
struct Expected {
  std::string error;                          // of the run, when it is refused as a whole
  std::map<std::string, std::string> failed;  // slide -> text of its reason
  // Slides that are done here: the case that has the same result, "" when none has.
  std::map<std::string, std::string> done;
};

const std::map<std::string, Expected>& differing_cases() {
  const std::string cmu = "CMU-1-Small-Region.svs", m20 = "mosaic-20x.svs", odd = "odd-levels.svs";
  const std::map<std::string, std::string> both_by_default = {{cmu, "multi-list-blank-sthresh"},
                                                              {odd, "multi-list-blank-sthresh"}};
  static const std::map<std::string, Expected> cases = {
      {"cmu-level1-missing", {"", {{cmu, "patch_level 1"}}, {}}},
      {"m20-level3-missing", {"", {{m20, "patch_level 3"}}, {}}},
      {"cmu-mthresh-even", {"", {{cmu, "mthresh 4"}}, {}}},
      {"cmu-bad-fn", {"", {{cmu, "five_pt"}}, {}}},
      {"cmu-seg-level-missing", {"", {{cmu, "seg_level 1"}}, {}}},
      {"cmu-keep-out-of-range", {"", {{cmu, "99"}}, {}}},
      {"multi-list-extra-missing", {"", {{"absent.svs", "no such file"}}, {}}},
      {"multi-broken", {"", {{"broken.svs", "not a slide"}}, {{odd, "multi-three"}}}},
      {"empty-folder", {"no slide among", {}, {}}},
      {"cmu-no-seg", {"", {}, {{cmu, "cmu-default-256"}}}},
      {"cmu-tissue-none", {"", {}, {{cmu, ""}}}},
      {"cmu-keep-one-id-in-csv", {"", {}, {{cmu, ""}}}},
      {"m20-seg0-too-large", {"", {}, {{m20, ""}}}},
      {"multi-list-blank-mthresh", {"", {}, both_by_default}},
      {"multi-list-blank-close", {"", {}, both_by_default}},
      {"multi-list-blank-max_n_holes", {"", {}, both_by_default}},
  };
  return cases;
}

bool contains(const json& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

json read_index() {
  return json::parse(test::read_text(test::shared_oracle("clam/index.json").value_or(test::golden("clam/index.json"))));
}

std::optional<json> find_case(const std::string& id) {
  const json index = read_index();
  for (const json& one : index.at("cases")) {
    if (one.at("id") == id) return one;
  }
  return std::nullopt;
}

// Options and source of a case, read from the arguments of the published script.
struct Arguments {
  explicit Arguments(const json& words) {
    std::map<std::string, std::string> values;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string word = words[i];
      const bool is_value = i > 0 && !word.starts_with("--");
      if (is_value) values[words[i - 1].get<std::string>().substr(2)] = word;
      if (!is_value) values.emplace(word.substr(2), "");
    }
    if (values.contains("preset")) tiling::apply_preset(values["preset"], tissue, tile);
    OptionTexts texts = {{"patch_level", "0"}};
    for (const char* name : {"patch_size", "step_size", "patch_level"}) {
      if (values.contains(name)) texts.insert(texts.begin(), {name, values[name]});
    }
    set_from_texts(tile, texts);
    patches = values.contains("patch");
  }

  tissue::TissueOptions tissue;
  tiling::TileOptions tile;
  bool patches = false;
};

// The case's own folders, and the run.
class Run {
 public:
  explicit Run(const json& one) : one_(one), arguments_(one.at("arguments")) {
    fs::create_directories(folder_ / "SLIDES");
    for (const json& slide : one.at("slides")) {
      const std::string name = fs::path(slide.get<std::string>()).filename().string();
      const auto file = test::clam_slide(name);
      if (!file) {
        absent_ = name;
        return;
      }
      fs::create_symlink(fs::absolute(*file), folder_ / ("SLIDES/" + name));
    }
    if (one.at("extra_files").is_object()) {
      for (const auto& [name, text] : one.at("extra_files").items())
        test::write_text(folder_ / ("SLIDES/" + name), text.get<std::string>());
    }
    if (one.at("process_list").is_string())
      test::write_text(folder_ / "list.csv", one.at("process_list").get<std::string>());
  }

  const std::string& absent() const { return absent_; }
  const cohort::StudyFolder& study() const { return study_; }

  cohort::BatchSummary start() {
    const cohort::Source source = one_.at("process_list").is_string()
                                      ? cohort::find_listed_slides(folder_ / "SLIDES", folder_ / "list.csv", false)
                                      : cohort::find_slides(folder_ / "SLIDES", false);
    cohort::BatchOptions options;
    options.verb = "tile";
    options.slides_in_flight = 2;
    options.columns_as_asked = [this](const cohort::SlideEntry& slide) {
      return tiling::columns_as_asked(slide, arguments_.tissue, arguments_.tile);
    };
    return cohort::process_slides(
        source, study_, options, test::quiet_context(),
        [this](const auto& entry, const auto& still_ours) { return work(entry, still_ours); });
  }

 private:
  cohort::Outcome work(const cohort::SlideEntry& entry, const std::function<bool()>& still_ours) const {
    const auto slide = slide::open_slide(entry.path, entry.mpp);
    tissue::TissueOptions tissue_options = arguments_.tissue;
    tiling::TileOptions tile_options = arguments_.tile;
    tiling::apply_cells(entry.cells, *slide, tissue_options, tile_options);
    if (!arguments_.patches) return tissue::tissue_of_slide(*slide, tissue_options, study_, true, still_ours);
    return tiling::tile_slide(*slide, tissue_options, tile_options, study_, true, still_ours).outcome;
  }

  const json& one_;
  const Arguments arguments_;
  test::TemporaryFolder folder_;
  cohort::StudyFolder study_{folder_ / "OUT"};
  std::string absent_;
};

void check_picture(const fs::path& file, const json& golden) {
  REQUIRE_MESSAGE(fs::exists(file), file.string());
  const image::RgbImage picture = image::read_png(file);
  CHECK(picture.width() == golden.at("width").get<int>());
  CHECK(picture.height() == golden.at("height").get<int>());
  CHECK(sha256_hex(std::as_bytes(std::span(picture.data(), picture.byte_size()))) ==
        golden.at("rgb_sha256").get<std::string>());
}

std::vector<std::int64_t> flat(const json& ring) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i + 1 < ring.size(); ++i) {  // the last point repeats the first
    numbers.push_back(ring[i].at(0));
    numbers.push_back(ring[i].at(1));
  }
  return numbers;
}

void check_contours(const fs::path& file, const std::string& key) {
  const json features = json::parse(test::read_text(file)).at("features");
  const std::vector<test::ClamContour> expected = test::clam_contours(key);
  REQUIRE(features.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const json& rings = features[i].at("geometry").at("coordinates");
    REQUIRE(rings.size() == 1 + expected[i].holes.size());
    CHECK(flat(rings[0]) == expected[i].outline);
    for (std::size_t hole = 0; hole < expected[i].holes.size(); ++hole) {
      CHECK(flat(rings[hole + 1]) == expected[i].holes[hole]);
    }
  }
}

// The published attributes, each there with its type and value; save_path is the folder's name with us.
void check_attributes(const io::Attributes& ours, const json& golden) {
  for (const auto& [name, attribute] : golden.items()) {
    CAPTURE(name);
    const json& value = attribute.at("value");
    if (attribute.at("type") == "str") {
      const auto text = io::find_attribute<std::string>(ours, name);
      REQUIRE(text.has_value());
      CHECK(*text == (name == "save_path" ? "patches" : value.get<std::string>()));
    } else if (attribute.at("shape").empty()) {
      CHECK(io::find_attribute<std::int64_t>(ours, name) == value.get<std::int64_t>());
    } else if (attribute.at("type") == "int64") {
      CHECK(io::find_attribute<std::vector<std::int64_t>>(ours, name) == value.get<std::vector<std::int64_t>>());
    } else {
      CHECK(io::find_attribute<std::vector<double>>(ours, name) == value.get<std::vector<double>>());
    }
  }
}

void check_coordinates(const fs::path& file, const json& result) {
  const io::Hdf5File h5 = io::Hdf5File::open(file);
  CHECK(h5.dataset_dtype("coords") == DType::Int64);
  const Array coords = h5.read_dataset("coords");
  if (result.at("coords").is_null()) {  // no file there, an empty one here
    CHECK(coords.shape() == Shape{0, 2});
    return;
  }
  const auto expected = test::clam_array("coords.npz", result.at("coords")).as<std::int32_t>();
  const auto ours = coords.as<std::int64_t>();
  CHECK(std::vector<std::int64_t>(ours.begin(), ours.end()) ==
        std::vector<std::int64_t>(expected.begin(), expected.end()));
  check_attributes(h5.read_attributes("coords"), result.at("attrs"));
}

// A slide that the published run finished.
void check_result(const cohort::StudyFolder& study, const json& result, bool with_coordinates) {
  const std::string id = result.at("slide_id");
  CAPTURE(id);
  check_contours(study.contours(id), result.at("segmentation"));
  check_picture(study.mask(id), result.at("mask"));
  if (!with_coordinates) return;
  check_coordinates(study.coordinates(id), result);
  CHECK(fs::exists(study.stitch(id)) == result.contains("stitch"));
  if (result.contains("stitch")) check_picture(study.stitch(id), result.at("stitch"));
}

// A slide that is done here alone.
void check_done(const cohort::StudyFolder& study, const std::string& id, const std::string& same_case) {
  CHECK(fs::exists(study.mask(id)));
  CHECK(fs::exists(study.coordinates(id)));
  if (same_case.empty()) return;
  const std::optional<json> same = find_case(same_case);
  if (!same) return;
  for (const json& result : same->at("results")) {
    if (result.at("slide_id") == id) check_result(study, result, true);
  }
}

io::CsvTable parse_csv(const std::string& text) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "golden.csv", text);
  return io::read_csv(folder / "golden.csv");
}

// The published list, cell by cell; what `Expected` changes is status, process and the levels of its slides.
void check_process_list(const cohort::StudyFolder& study, const json& golden_text, const Expected& expected) {
  const io::CsvTable golden = parse_csv(golden_text);
  const io::CsvTable ours = io::read_csv(study.process_list());
  // The published columns in the published order, further ones after them or between.
  std::vector<std::string> shared;
  std::copy_if(ours.columns.begin(), ours.columns.end(), std::back_inserter(shared),
               [&](const std::string& name) { return golden.column(name).has_value(); });
  CHECK(shared == golden.columns);
  REQUIRE(ours.rows.size() == golden.rows.size());
  for (std::size_t row = 0; row < golden.rows.size(); ++row) {
    const std::string& slide = golden.rows[row][golden.column("slide_id").value()];
    const std::string& status = golden.rows[row][golden.column("status").value()];
    const bool other = expected.failed.contains(slide) || expected.done.contains(slide) || status == "already_exist";
    for (std::size_t column = 0; column < golden.columns.size(); ++column) {
      const std::string& name = golden.columns[column];
      CAPTURE(slide);
      CAPTURE(name);
      const std::string& cell = ours.rows[row][ours.column(name).value()];
      if (other && name == "status") {
        CHECK(cell == (expected.failed.contains(slide) ? "failed" : "processed"));
      } else if (other && name == "process") {
        CHECK(cell == (expected.failed.contains(slide) ? "1" : "0"));
      } else if (!(other && (name == "seg_level" || name == "vis_level"))) {
        CHECK(cell == golden.rows[row][column]);
      }
    }
  }
}

}  // namespace

TEST_CASE("clam: one case") {
  const char* id = std::getenv("HIPT_CLAM_CASE");
  if (id == nullptr) {
    test::skip("HIPT_CLAM_CASE names no case");
    return;
  }
  const std::optional<json> one = find_case(id);
  if (!one) {
    test::skip(fmt::format("{}: not among the cases at hand", id));
    return;
  }
  Run run(*one);
  if (!run.absent().empty()) {
    test::skip(fmt::format("{} is absent: it is not part of the project", run.absent()));
    return;
  }
  const auto found = differing_cases().find(id);
  const Expected expected = found == differing_cases().end() ? Expected{} : found->second;
  if (!expected.error.empty()) {
    std::string message;
    CHECK(test::error_of([&] { run.start(); }, &message) == ErrorCode::NotFound);
    CHECK(message.find(expected.error) != std::string::npos);
    return;
  }

  cohort::BatchSummary summary = run.start();
  for (int again = 1; again < one->at("runs").get<int>(); ++again) {
    summary = run.start();
    CHECK(summary.count(Status::AlreadyExist) == summary.outcomes.size());
  }
  std::set<std::string> failed;
  for (const cohort::Outcome& outcome : summary.outcomes) {
    CAPTURE(outcome.slide_id);
    CAPTURE(outcome.reason);
    CHECK((outcome.status == Status::Failed) == expected.failed.contains(outcome.slide_id));
    if (outcome.status != Status::Failed) continue;
    failed.insert(outcome.slide_id);
    if (expected.failed.contains(outcome.slide_id)) {
      CHECK(outcome.reason.find(expected.failed.at(outcome.slide_id)) != std::string::npos);
    }
  }
  CHECK(failed.size() == expected.failed.size());
  const bool patches = contains(one->at("arguments"), "--patch");
  for (const json& result : one->at("results")) {
    const std::string slide_id = result.at("slide_id");
    const bool is_failed = failed.contains(slide_id + ".svs");  // its mask is there, coordinates nowhere
    if (!is_failed) check_result(run.study(), result, patches);
  }
  for (const auto& [slide, same_case] : expected.done) check_done(run.study(), fs::path(slide).stem(), same_case);
  check_process_list(run.study(), one->at("process_list_autogen_csv"), expected);
}
