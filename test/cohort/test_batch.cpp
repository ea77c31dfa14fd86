#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/version.h"
#include "hipt/cohort/batch.h"
#include "hipt/cohort/output.h"

#include "test/support/support.h"

using namespace hipt;
using cohort::BatchSummary;
using cohort::Outcome;
using cohort::SlideEntry;
using cohort::Source;
using cohort::Status;
using cohort::StudyFolder;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

class RecordingLog final : public LogSink {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::scoped_lock lock(mutex_);
    lines[level].emplace_back(message);
  }
  std::map<LogLevel, std::vector<std::string>> lines;

 private:
  std::mutex mutex_;
};

// A batch over slides that exist by name alone.
struct Batch {
  explicit Batch(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      source.slides.push_back({name, fs::path(name).stem().string(), std::nullopt, {}, {}});
  }

  BatchSummary run(const cohort::ProcessSlide& process) {
    cohort::BatchOptions options;
    options.verb = "tile";
    options.options = {{"patch_size", "256"}};
    options.slides_in_flight = in_flight;
    options.cache_dir = cache_dir;
    return cohort::process_slides(source, study, options, context, process);
  }

  // The newest run record.
  nlohmann::json record() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(study.runs())) {
      if (newest.empty() || entry.last_write_time() > fs::last_write_time(newest)) newest = entry.path();
    }
    return nlohmann::json::parse(test::read_text(newest));
  }

  TemporaryFolder folder;
  StudyFolder study{folder.path()};
  Source source;
  std::size_t in_flight = 1;
  fs::path cache_dir;
  RecordingLog log;
  std::stop_source stop;
  RunContext context{test::quiet_context().pool, log, silent_progress(), stop.get_token()};
};

Outcome made(std::string patches) {
  Outcome outcome;
  outcome.columns = {{"patches", patches}};
  outcome.summary = patches + " patches";
  return outcome;
}

// Every file of `folder` below `parts`, with its content.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file() && !name.starts_with("runs/")) found[name] = test::read_text(entry.path());
  }
  return found;
}

}  // namespace

TEST_CASE("batch: one bad slide never stops the others") {
  Batch batch({"a.svs", "b.svs", "c.svs", "d.svs", "e.svs"});
  batch.source.not_slides = {"notes.txt"};
  const BatchSummary summary = batch.run([](const SlideEntry& slide, const auto& still_ours) {
    CHECK(still_ours());
    if (slide.id == "b") throw Error(ErrorCode::Corrupt, "b.svs: level 2: broken");
    if (slide.id == "c") throw std::bad_alloc();
    if (slide.id == "d") throw std::runtime_error("of a library");
    Outcome outcome = made(slide.id == "a" ? "50" : "0");
    if (slide.id == "e") outcome.reason = "no tissue";
    return outcome;
  });
  REQUIRE(summary.outcomes.size() == 5);
  CHECK(summary.count(Status::Processed) == 2);
  CHECK(summary.count(Status::Failed) == 3);
  CHECK(summary.count(Status::AlreadyExist) == 0);
  CHECK(summary.locked.empty());
  CHECK(summary.outcomes[1].reason == "b.svs: level 2: broken");

  CHECK(test::read_text(batch.study.process_list()) ==
        "slide_id,process,status,patches,reason\n"
        "a.svs,0,processed,50,\n"
        "b.svs,1,failed,,b.svs: level 2: broken\n"
        "c.svs,1,failed,,not enough memory\n"
        "d.svs,1,failed,,of a library\n"
        "e.svs,0,processed,0,no tissue\n");
  CHECK(batch.log.lines[LogLevel::Info] == std::vector<std::string>{"slide 1 of 5: a.svs: processed (50 patches)"});
  CHECK(batch.log.lines[LogLevel::Warning] ==
        std::vector<std::string>{
            "slide 2 of 5: b.svs: failed: b.svs: level 2: broken", "slide 3 of 5: c.svs: failed: not enough memory",
            "slide 4 of 5: d.svs: failed: of a library", "slide 5 of 5: e.svs: processed (no tissue)"});
  CHECK(batch.log.lines[LogLevel::Error].empty());  // the summary tells them, once
  CHECK(!fs::exists(batch.folder / "locks"));

  const nlohmann::json record = batch.record();
  CHECK(record.at("verb") == "tile");
  CHECK(record.at("status") == "finished");
  CHECK(record.at("versions").at("hipt") == version());
  CHECK(record.at("options").at("patch_size") == "256");
  CHECK(record.at("slides").size() == 5);
  CHECK(record.at("slides").at(1).at("status") == "failed");
  CHECK(record.at("slides").at(1).at("reason") == "b.svs: level 2: broken");
  CHECK(record.at("passed_over").size() == 1);
  CHECK(record.at("finished").is_string());
  CHECK(!record.at("host").get<std::string>().empty());
}

TEST_CASE("batch: stopped in a slide it records what was done and passes Cancelled on") {
  Batch batch({"a.svs", "b.svs", "c.svs"});
  int calls = 0;
  const auto process = [&](const SlideEntry& slide, const auto&) {
    ++calls;
    if (slide.id == "b") throw Error(ErrorCode::Cancelled, "stopped");
    return made("1");
  };
  CHECK(error_of([&] { batch.run(process); }) == ErrorCode::Cancelled);
  CHECK(calls == 2);
  CHECK(test::read_text(batch.study.process_list()) ==
        "slide_id,process,status,patches,reason\na.svs,0,processed,1,\n");
  CHECK(!fs::exists(batch.study.outcome("b")));
  CHECK(!fs::exists(batch.folder / "locks"));
  CHECK(batch.record().at("status") == "cancelled");
  CHECK(batch.record().at("slides").size() == 1);
  CHECK(batch.record().at("locked").empty());
}

TEST_CASE("batch: a stop request is seen between slides") {
  Batch batch({"a.svs", "b.svs"});
  const auto process = [&](const SlideEntry&, const auto&) {
    batch.stop.request_stop();
    return made("1");
  };
  CHECK(error_of([&] { batch.run(process); }) == ErrorCode::Cancelled);
  CHECK(fs::exists(batch.study.outcome("a")));
  CHECK(!fs::exists(batch.study.outcome("b")));
}

TEST_CASE("batch: several slides in flight leave the bytes and the summary of one after another") {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back(fmt::format("{:02}.svs", i));
  const auto process = [](const SlideEntry& slide, const auto& still_ours) {
    CHECK(still_ours());
    if (slide.id == "07") throw Error(ErrorCode::Corrupt, "broken");
    return made(slide.id);
  };
  Batch one(names), eight(names);
  eight.in_flight = 8;
  const BatchSummary a = one.run(process), b = eight.run(process);
  REQUIRE(b.outcomes.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(b.outcomes[i].slide_id == a.outcomes[i].slide_id);
  CHECK(b.count(Status::Failed) == 1);
  CHECK(contents(one.folder.path()) == contents(eight.folder.path()));
  CHECK(!fs::exists(eight.folder / "locks"));
}

TEST_CASE("batch: several slides in flight are worked on at once and a stop ends them all") {
  Batch batch({"a.svs", "b.svs", "c.svs", "d.svs", "e.svs", "f.svs"});
  batch.in_flight = 3;
  std::mutex mutex;
  std::condition_variable wake;
  int inside = 0;
  const auto process = [&](const SlideEntry&, const auto&) {
    std::unique_lock lock(mutex);
    ++inside;
    wake.notify_all();
    CHECK(wake.wait_for(lock, std::chrono::seconds(20), [&] { return inside == 3; }));  // three have begun
    batch.stop.request_stop();
    return made("1");
  };
  CHECK(error_of([&] { batch.run(process); }) == ErrorCode::Cancelled);
  CHECK(inside == 3);
  CHECK(batch.record().at("slides").size() == 3);
  CHECK(batch.record().at("status") == "cancelled");
  CHECK(!fs::exists(batch.folder / "locks"));
}

TEST_CASE("batch: slides are read from their copies and called by their own names") {
  Batch batch({});
  fs::create_directory(batch.folder / "slides");
  for (const char* name : {"a.png", "b.png", "c.png"}) {
    test::write_text(batch.folder / "slides" / name, name);
    batch.source.slides.push_back({batch.folder / "slides" / name, fs::path(name).stem().string(), {}, {}, {}});
  }
  batch.source.slides.push_back({batch.folder / "slides/absent.png", "absent", {}, {}, {}});
  batch.study.root = batch.folder / "out";
  batch.cache_dir = batch.folder / "cache";
  batch.in_flight = 2;
  const BatchSummary summary = batch.run([&](const SlideEntry& slide, const auto&) {
    CHECK(slide.path.parent_path() != batch.folder / "slides");
    CHECK(test::read_text(slide.path) == slide.path.filename().string());
    return made("1");
  });
  CHECK(summary.count(Status::Processed) == 3);
  CHECK(summary.count(Status::Failed) == 1);
  CHECK(summary.outcomes[3].reason.find("absent.png") != std::string::npos);
  CHECK(summary.outcomes[0].slide_id == "a.png");
  CHECK(fs::is_empty(batch.folder / "cache"));
  CHECK(fs::exists(batch.folder / "slides/a.png"));
}

TEST_CASE("batch: outputs made otherwise fail the run and keep their record") {
  Batch batch({"a.svs", "b.svs"});
  batch.run([](const SlideEntry&, const auto&) { return made("50"); });
  const auto before = contents(batch.folder.path());
  const BatchSummary summary = batch.run([](const SlideEntry&, const auto&) -> Outcome {
    throw cohort::MadeOtherwise("patches/a.h5: was made otherwise (patch_size: 256 there, 512 now)");
  });
  CHECK(summary.count(Status::Failed) == 2);
  CHECK(summary.outcomes[0].reason.find("256 there, 512 now") != std::string::npos);
  CHECK(contents(batch.folder.path()) == before);
}

TEST_CASE("batch: what it writes depends on the slides alone") {
  const auto process = [](const SlideEntry& slide, const auto&) {
    if (slide.id == "b") throw Error(ErrorCode::Corrupt, "broken");
    return made("7");
  };
  Batch once({"a.svs", "b.svs", "c.svs"}), stopped({"a.svs", "b.svs", "c.svs"});
  once.run(process);
  CHECK(error_of([&] {
          stopped.run([&](const SlideEntry& slide, const auto& still_ours) {
            if (slide.id == "c") throw Error(ErrorCode::Cancelled, "stopped");
            return process(slide, still_ours);
          });
        }) == ErrorCode::Cancelled);
  const BatchSummary resumed = stopped.run([&](const SlideEntry& slide, const auto& still_ours) {
    Outcome outcome = process(slide, still_ours);
    if (slide.id == "a") outcome.status = Status::AlreadyExist;
    return outcome;
  });
  CHECK(resumed.count(Status::AlreadyExist) == 1);
  CHECK(contents(once.folder.path()) == contents(stopped.folder.path()));
  CHECK(contents(once.folder.path()).size() == 4);  // three outcomes and the list
}

TEST_CASE("batch: slides of another process are looked at once more at the end") {
  Batch batch({"a.svs", "b.svs", "c.svs"});
  auto other_a = cohort::Lock::try_acquire(batch.study.lock("a"), std::chrono::seconds(1800));
  const auto other_b = cohort::Lock::try_acquire(batch.study.lock("b"), std::chrono::seconds(1800));
  std::vector<std::string> calls;
  const BatchSummary summary = batch.run([&](const SlideEntry& slide, const auto&) {
    calls.push_back(slide.id);
    if (slide.id == "c") other_a.reset();  // the other process has finished it meanwhile
    Outcome outcome = made("1");
    if (slide.id == "a") outcome.status = Status::AlreadyExist;
    return outcome;
  });
  CHECK(calls == std::vector<std::string>{"c", "a"});
  REQUIRE(summary.outcomes.size() == 2);
  CHECK(summary.outcomes[0].slide_id == "a.svs");
  CHECK(summary.outcomes[0].status == Status::AlreadyExist);
  CHECK(summary.outcomes[1].slide_id == "c.svs");
  CHECK(summary.locked == std::vector<std::string>{"b.svs"});
  CHECK(batch.record().at("locked") == nlohmann::json{"b.svs"});
  CHECK(batch.log.lines[LogLevel::Warning].size() == 1);
  CHECK(fs::exists(batch.study.lock("b")));
  CHECK(!fs::exists(batch.study.outcome("b")));
}

TEST_CASE("batch: a slide that another process took over is left to its record") {
  Batch batch({"a.svs", "b.svs"});
  std::optional<cohort::Lock> thief;
  const BatchSummary summary = batch.run([&](const SlideEntry& slide, const auto& still_ours) {
    if (slide.id == "a") {
      fs::remove(batch.study.lock("a"));
      thief = cohort::Lock::try_acquire(batch.study.lock("a"), std::chrono::seconds(1800));
      CHECK(!still_ours());
      throw Error(ErrorCode::Io, "a.svs: no longer ours");
    }
    return made("1");
  });
  CHECK(summary.locked == std::vector<std::string>{"a.svs"});
  CHECK(summary.outcomes.size() == 1);
  CHECK(!fs::exists(batch.study.outcome("a")));
  CHECK(thief->still_owned());
}

TEST_CASE("batch: a folder that cannot be written ends the run before any work") {
  Batch batch({"a.svs"});
  test::write_text(batch.folder / "file", "");
  batch.study.root = batch.folder / "file/study";
  std::string message;
  CHECK(
      error_of([&] { batch.run([](const SlideEntry&, const auto&) -> Outcome { throw std::logic_error("called"); }); },
               &message) == ErrorCode::Io);
  CHECK(message.find("file/study") != std::string::npos);
}

TEST_CASE("batch: outcomes that cannot be written end the run with its reason on record") {
  Batch batch({"a.svs", "b.svs"});
  test::write_text(batch.folder / "outcomes", "a file where the folder should be");
  std::string message;
  CHECK(error_of([&] { batch.run([](const SlideEntry&, const auto&) { return made("1"); }); }, &message) ==
        ErrorCode::Io);
  CHECK(message.find("outcomes") != std::string::npos);
  CHECK(batch.record().at("status") == "failed");
  CHECK(batch.record().at("reason") == message);
  CHECK(!fs::exists(batch.folder / "locks"));
}

TEST_CASE("batch: temporary files that killed runs left are removed") {
  Batch batch({"a.svs"});
  fs::create_directory(batch.folder / "masks");
  test::write_text(batch.folder / "masks/old.tmp-00000000-1-2.png", "");
  test::write_text(batch.folder / "masks/new.tmp-00000000-1-2.png", "");
  fs::last_write_time(batch.folder / "masks/old.tmp-00000000-1-2.png",
                      fs::file_time_type::clock::now() - std::chrono::hours(48));
  batch.run([](const SlideEntry&, const auto&) { return made("1"); });
  CHECK(!fs::exists(batch.folder / "masks/old.tmp-00000000-1-2.png"));
  CHECK(fs::exists(batch.folder / "masks/new.tmp-00000000-1-2.png"));
}

TEST_CASE("batch: no slides give an empty summary") {
  Batch batch({});
  const BatchSummary summary = batch.run([](const SlideEntry&, const auto&) { return made("1"); });
  CHECK(summary.outcomes.empty());
  CHECK(summary.locked.empty());
}
