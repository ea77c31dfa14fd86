#include <csignal>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/cohort/cache.h"
#include "hipt/slide/slide_files.h"

#include "test/support/support.h"

using namespace hipt;
using cohort::CacheLimits;
using cohort::SlideCache;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

class CountingLog final : public LogSink {
 public:
  void write(LogLevel level, std::string_view) override {
    const std::scoped_lock lock(mutex_);
    warnings += level == LogLevel::Warning;
  }
  int warnings = 0;

 private:
  std::mutex mutex_;
};

// Slides by name, each with its own content, and an empty folder for their copies.
struct Slides {
  explicit Slides(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      paths.push_back(originals / name);
      test::write_text(paths.back(), "pixels of " + name);
    }
  }
  std::size_t copies() const {
    std::size_t count = 0;
    for (const auto& run : fs::directory_iterator(fast.path())) {
      if (!run.is_directory()) continue;
      for (const auto& entry : fs::directory_iterator(run)) count += entry.is_directory();
    }
    return count;
  }

  TemporaryFolder originals;
  TemporaryFolder fast;
  std::vector<fs::path> paths;
  CountingLog log;
  std::stop_source stop;
  RunContext context{test::quiet_context().pool, log, silent_progress(), stop.get_token()};
};

void check_is_copy(const fs::path& copy, const fs::path& original) {
  CHECK(copy != original);
  CHECK(copy.filename() == original.filename());
  CHECK(test::read_text(copy) == test::read_text(original));
}

std::vector<std::string> names_of(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("slide-{}.svs", i));
  return names;
}

}  // namespace

TEST_CASE("A cache copies slides ahead within its limit and removes each after use") {
  Slides slides(names_of(20));
  test::write_text(slides.fast / "a file of somebody else", "stays");
  {
    SlideCache cache(slides.fast.path(), slides.paths, {.slides = 3}, slides.context);
    for (std::size_t index = 0; index < slides.paths.size(); ++index) {
      const fs::path copy = cache.acquire(index);
      check_is_copy(copy, slides.paths[index]);
      CHECK(slides.copies() <= 3);
      cache.release(index);
      CHECK(!fs::exists(copy));
    }
    CHECK(slides.copies() == 0);
  }
  CHECK(std::distance(fs::directory_iterator(slides.fast.path()), {}) == 1);
  CHECK(fs::exists(slides.fast / "a file of somebody else"));
  for (const fs::path& original : slides.paths) CHECK(fs::exists(original));
  CHECK(slides.log.warnings == 0);
}

TEST_CASE("A cache keeps to its bytes and passes the original of a slide that is larger") {
  Slides slides(names_of(4));
  test::write_text(slides.paths[2], std::string(1000, 'x'));
  SlideCache cache(slides.fast.path(), slides.paths, {.slides = 8, .bytes = 50}, slides.context);
  check_is_copy(cache.acquire(0), slides.paths[0]);
  check_is_copy(cache.acquire(1), slides.paths[1]);
  CHECK(cache.acquire(2) == slides.paths[2]);
  cache.release(2);
  CHECK(slides.log.warnings == 1);
  CHECK(slides.copies() == 2);  // 23 bytes each: no room for a third
  cache.release(0);
  check_is_copy(cache.acquire(3), slides.paths[3]);
}

TEST_CASE("A slide that is waited for goes before those that are copied ahead") {
  Slides slides(names_of(6));
  SlideCache cache(slides.fast.path(), slides.paths, {.slides = 1}, slides.context);
  check_is_copy(cache.acquire(4), slides.paths[4]);  // wherever the copying ahead has come to
  std::future<fs::path> other = std::async(std::launch::async, [&] { return cache.acquire(5); });
  CHECK(other.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);  // the room is in use
  cache.release(4);
  check_is_copy(other.get(), slides.paths[5]);
  cache.release(5);
  check_is_copy(cache.acquire(0), slides.paths[0]);
  check_is_copy(cache.acquire(0), slides.paths[0]);  // twice in use: the first release keeps it
  cache.release(0);
  CHECK(slides.copies() == 1);
  cache.release(0);
  check_is_copy(cache.acquire(0), slides.paths[0]);
}

TEST_CASE("Many threads get their slides from a small cache") {
  Slides slides(names_of(60));
  SlideCache cache(slides.fast.path(), slides.paths, {.slides = 3}, slides.context);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t index = thread; index < slides.paths.size(); index += 6) {
          const fs::path copy = cache.acquire(index);
          wrong += test::read_text(copy) != test::read_text(slides.paths[index]);
          cache.release(index);
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(slides.copies() == 0);
}

TEST_CASE("A slide that cannot be copied is an error of its own") {
  Slides slides(names_of(3));
  fs::remove(slides.paths[1]);
  SlideCache cache(slides.fast.path(), slides.paths, {}, slides.context);
  std::string message;
  for (int time = 0; time < 2; ++time) {
    CHECK(error_of([&] { cache.acquire(1); }, &message) == ErrorCode::NotFound);
    CHECK(message == slides.paths[1].string() + ": No such file or directory");
  }
  check_is_copy(cache.acquire(0), slides.paths[0]);
  check_is_copy(cache.acquire(2), slides.paths[2]);
}

TEST_CASE("Slides passed over are read where they are") {
  Slides slides(names_of(3));
  SlideCache cache(slides.fast.path(), slides.paths, {.slides = 1}, slides.context);
  check_is_copy(cache.acquire(0), slides.paths[0]);
  cache.pass_over(1);
  CHECK(cache.acquire(1) == slides.paths[1]);
  cache.release(1);
  cache.release(0);
  check_is_copy(cache.acquire(2), slides.paths[2]);
}

TEST_CASE("A full disk costs the copies and no slide") {
  Slides slides(names_of(3));
  test::write_text(slides.paths[1], std::string(100'000, 'x'));
  // Files of at most 50 000 bytes: what a full disk is to the writer.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{50'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  {
    SlideCache cache(slides.fast.path(), slides.paths, {}, slides.context);
    check_is_copy(cache.acquire(0), slides.paths[0]);
    CHECK(cache.acquire(1) == slides.paths[1]);
    check_is_copy(cache.acquire(2), slides.paths[2]);
    CHECK(slides.copies() == 2);
  }
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(slides.log.warnings == 1);
}

TEST_CASE("A stopped run waits for no copy") {
  Slides slides(names_of(3));
  SlideCache cache(slides.fast.path(), slides.paths, {.slides = 1}, slides.context);
  cache.acquire(0);
  std::future<fs::path> waiting = std::async(std::launch::async, [&] { return cache.acquire(1); });
  slides.stop.request_stop();
  CHECK(error_of([&] { waiting.get(); }) == ErrorCode::Cancelled);
}

TEST_CASE("Copies of a killed run are removed by the next one and those of a living one stay") {
  Slides slides(names_of(3));
  const pid_t child = fork();
  if (child == 0) {
    SlideCache cache(slides.fast.path(), slides.paths, {}, slides.context);
    for (std::size_t index = 0; index < 3; ++index) cache.acquire(index);
    _exit(0);  // nothing is cleaned up
  }
  waitpid(child, nullptr, 0);
  REQUIRE(slides.copies() == 3);
  SlideCache living(slides.fast.path(), slides.paths, {.slides = 1}, slides.context);
  const fs::path copy = living.acquire(0);
  CHECK(slides.copies() == 1);
  const SlideCache another(slides.fast.path(), {}, {}, slides.context);
  check_is_copy(copy, slides.paths[0]);
}

TEST_CASE("A slide of several files is copied with them") {
  TemporaryFolder originals;
  fs::create_directories(originals / "case/deeper");
  for (const char* name : {"case.mrxs", "case/Slidedat.ini", "case/deeper/Data0000.dat", "other.mrxs", "a.vms", "a.jpg",
                           "b.jpg", "not-named.jpg", "1.dcm", "2.DCM", "3.dicom", "plain.svs"}) {
    test::write_text(originals / name, name);
  }
  test::write_text(originals / "a.vms",
                   "[Virtual Microscope Specimen]\r\nNoLayers=1\r\nImageFile=a.jpg\r\nImageFile(1,0)=b.jpg\r\n"
                   "MapFile=../plain.svs\r\nOptimisationFile=absent.opt\r\n");
  const auto files = [&](const char* name) {
    std::vector<std::string> texts;
    for (const fs::path& file : slide::files_of_slide(originals / name)) texts.push_back(file.string());
    return texts;
  };
  using Texts = std::vector<std::string>;
  CHECK(files("case.mrxs") == Texts{"case.mrxs", "case/Slidedat.ini", "case/deeper/Data0000.dat"});
  CHECK(files("other.mrxs") == Texts{"other.mrxs"});
  CHECK(files("a.vms") == Texts{"a.vms", "a.jpg", "b.jpg"});
  CHECK(files("2.DCM") == Texts{"2.DCM", "1.dcm"});
  CHECK(files("3.dicom") == Texts{"3.dicom"});
  CHECK(files("plain.svs") == Texts{"plain.svs"});
  CHECK(error_of([&] { slide::files_of_slide(originals / "absent.svs"); }) == ErrorCode::NotFound);

  TemporaryFolder fast;
  SlideCache cache(fast.path(), {originals / "case.mrxs"}, {}, test::quiet_context());
  const fs::path copy = cache.acquire(0);
  CHECK(test::read_text(copy.parent_path() / "case/deeper/Data0000.dat") == "case/deeper/Data0000.dat");
}
