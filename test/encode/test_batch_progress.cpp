// One bar over the patches of several slides: what the sink is told.

#include <string>
#include <vector>

#include "hipt/encode/batch_progress.h"

#include "test/support/support.h"

namespace hipt::encode {
namespace {

struct Told final : ProgressSink {
  void begin(std::string_view stage, std::int64_t total_then, std::string_view unit_then) override {
    ++stages;
    name = stage;
    unit = unit_then;
    total = total_then;
  }
  void set_total(std::int64_t now) override { total = now; }
  void advance(std::int64_t count) override { done += count; }
  void end() override { ++ends; }

  int stages = 0, ends = 0;
  std::string name, unit;
  std::int64_t total = -1, done = 0;
};

TEST_CASE("batch progress: one stage whose total is known when the last slide has begun") {
  Told told;
  {
    BatchProgress batch(told, 4);
    CHECK(told.total == 0);
    BatchProgress::Slide first(batch), second(batch);
    first.begin("a.svs", 100, "patches");
    CHECK(told.total == 400);
    second.begin("b.svs", 60, "patches");
    CHECK(told.total == 320);
    first.advance(40);
    second.advance(60);
    second.end();
    {
      BatchProgress::Slide third(batch);  // there already
    }
    CHECK(told.total == 240);
    BatchProgress::Slide fourth(batch);
    fourth.begin("d.svs", 7, "patches");
    CHECK(told.total == 167);
    CHECK(told.done == 100);
    CHECK(told.ends == 0);
    first.advance(60);
    fourth.advance(7);
  }
  CHECK(told.total == 167);
  CHECK(told.done == told.total);
  CHECK(told.stages == 1);
  CHECK(told.ends == 1);
  CHECK(told.name == "encode");
  CHECK(told.unit == "patches");
}

TEST_CASE("batch progress: what a failed slide did not do is no longer waited for") {
  Told told;
  BatchProgress batch(told, 2);
  {
    BatchProgress::Slide failing(batch);
    failing.begin("a.svs", 100, "patches");
    failing.advance(30);
  }
  BatchProgress::Slide other(batch);
  other.begin("b.svs", 50, "patches");
  CHECK(told.total == 80);
  other.advance(50);
  CHECK(told.done == told.total);
}

}  // namespace
}  // namespace hipt::encode
