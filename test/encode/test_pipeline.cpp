// The pipeline with a small fake encoder: order, overlap, failures, cancellation. Runs under the thread sanitizer too.

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "hipt/base/error.h"
#include "hipt/encode/pipeline.h"

#include "test/support/support.h"

namespace hipt::encode {
namespace {

// Features of a patch: the sum of its bytes and its first byte. Written twice, by hand, in `expected` below.
class SumEncoder final : public PatchEncoder {
 public:
  explicit SumEncoder(std::size_t batch, std::int64_t fail_after = -1) : batch_(batch), fail_after_(fail_after) {}
  std::string name() const override { return "sum"; }
  std::size_t dim() const override { return 2; }
  std::size_t preferred_batch() const override { return batch_; }
  std::size_t max_concurrency() const override { return 4; }
  OptionTexts identity() const override { return {}; }

  void encode(std::span<const RgbView> patches, std::span<float> out) const override {
    if (fail_after_ >= 0 && calls_.fetch_add(1) >= fail_after_) throw Error(ErrorCode::Internal, "the encoder broke");
    for (std::size_t i = 0; i < patches.size(); ++i) {
      double sum = 0;
      for (int y = 0; y < patches[i].height; ++y) {
        for (int x = 0; x < 3 * patches[i].width; ++x) sum += patches[i].row(y)[x];
      }
      out[2 * i] = static_cast<float>(sum);
      out[2 * i + 1] = patches[i].data[0];
    }
  }

 private:
  std::size_t batch_;
  std::int64_t fail_after_;
  mutable std::atomic<std::int64_t> calls_{0};
};

// Tile i is filled with a value of its own; in a region every patch adds its number.
image::RgbImage made_tile(std::int64_t index, int tile_px, int patch_px) {
  image::RgbImage tile(tile_px, tile_px);
  const int columns = tile_px / patch_px;
  for (int y = 0; y < tile_px; ++y) {
    for (int x = 0; x < tile_px; ++x) {
      const int patch = y / patch_px * columns + x / patch_px;
      std::memset(tile.row(y) + 3 * x, static_cast<int>((index * 7 + patch) % 251), 3);
    }
  }
  return tile;
}

struct Received {
  std::vector<std::int64_t> order;
  std::vector<float> features;
};

TileStream stream_of(std::int64_t count, int tile_px, int patch_px, Received& received) {
  TileStream stream;
  stream.count = count;
  stream.tile_px = tile_px;
  stream.patch_px = patch_px;
  stream.read = [=](std::int64_t index) { return made_tile(index, tile_px, patch_px); };
  stream.consume = [&received](std::int64_t index, std::span<const float> features) {
    received.order.push_back(index);
    received.features.insert(received.features.end(), features.begin(), features.end());
  };
  return stream;
}

void check_received(const Received& received, std::int64_t count, int tile_px, int patch_px) {
  const int patches = (tile_px / patch_px) * (tile_px / patch_px);
  REQUIRE(received.order.size() == static_cast<std::size_t>(count));
  REQUIRE(received.features.size() == static_cast<std::size_t>(count * patches * 2));
  for (std::int64_t index = 0; index < count; ++index) {
    CHECK(received.order[static_cast<std::size_t>(index)] == index);
    for (int patch = 0; patch < patches; ++patch) {
      const std::size_t at = static_cast<std::size_t>((index * patches + patch) * 2);
      const int value = static_cast<int>((index * 7 + patch) % 251);
      CHECK(received.features[at] == static_cast<float>(value * patch_px * patch_px * 3));
      CHECK(received.features[at + 1] == static_cast<float>(value));
    }
  }
}

TEST_CASE("pipeline: pixels in flight stay within the stream's bytes") {
  for (const std::int64_t tiles_at_once : {1, 3}) {
    Received received;
    TileStream stream = stream_of(40, 32, 8, received);
    const std::int64_t read_bytes = 2 * stream.tile_bytes();
    stream.read_bytes = read_bytes;
    stream.most_bytes = tiles_at_once * read_bytes;
    std::atomic<std::int64_t> unread{0}, most{0};  // tiles read and not yet finished
    stream.read = [&](std::int64_t index) {
      most = std::max<std::int64_t>(most, ++unread);
      return made_tile(index, 32, 8);
    };
    stream.extra_dim = 1;
    stream.finish = [&](std::span<const float>, std::span<float>) { --unread; };
    run_pipeline(stream, SumEncoder(3), test::quiet_context());
    CHECK(received.order.size() == 40);
    // A tile that was read holds half of what reading one does; each of the two workers gives one back just before it
    // is counted down.
    CHECK(most <= 2 * tiles_at_once + 2);
  }
  // One that is larger than the limit is let through alone.
  Received received;
  TileStream stream = stream_of(5, 8, 8, received);
  stream.most_bytes = 1;
  run_pipeline(stream, SumEncoder(2), test::quiet_context());
  check_received(received, 5, 8, 8);
}

TEST_CASE("pipeline: patches come out in order whatever the batch") {
  for (const std::size_t batch : {1u, 3u, 8u, 64u}) {
    for (const std::int64_t count : {1, 2, 7, 50}) {
      Received received;
      run_pipeline(stream_of(count, 8, 8, received), SumEncoder(batch), test::quiet_context());
      check_received(received, count, 8, 8);
    }
  }
}

TEST_CASE("pipeline: regions are cut row by row whatever the batch") {
  for (const std::size_t batch : {1u, 3u, 16u, 64u}) {
    Received received;
    run_pipeline(stream_of(9, 32, 8, received), SumEncoder(batch), test::quiet_context());
    check_received(received, 9, 32, 8);
  }
}

TEST_CASE("pipeline: a finished tile brings its extra numbers") {
  Received received;
  TileStream stream = stream_of(12, 16, 8, received);
  stream.extra_dim = 1;
  stream.finish = [](std::span<const float> features, std::span<float> extra) {
    extra[0] = features[0] + features[features.size() - 2];
  };
  run_pipeline(stream, SumEncoder(2), test::quiet_context());
  REQUIRE(received.features.size() == 12u * 9u);
  for (std::size_t index = 0; index < 12; ++index) {
    const float* row = received.features.data() + index * 9;
    CHECK(row[8] == row[0] + row[6]);
  }
}

TEST_CASE("pipeline: nothing to do is fine") {
  Received received;
  run_pipeline(stream_of(0, 8, 8, received), SumEncoder(4), test::quiet_context());
  CHECK(received.order.empty());
}

TEST_CASE("pipeline: the first failure of reading encoding or consuming comes out") {
  std::string message;
  Received received;
  TileStream unreadable = stream_of(1000, 8, 8, received);
  unreadable.read = [](std::int64_t index) {
    if (index == 37) throw Error(ErrorCode::Corrupt, "tile 37 is damaged");
    return made_tile(index, 8, 8);
  };
  CHECK(test::error_of([&] { run_pipeline(unreadable, SumEncoder(2), test::quiet_context()); }, &message) ==
        ErrorCode::Corrupt);
  CHECK(message == "tile 37 is damaged");

  Received second;
  CHECK(test::error_of([&] { run_pipeline(stream_of(1000, 8, 8, second), SumEncoder(2, 20), test::quiet_context()); },
                       &message) == ErrorCode::Internal);
  CHECK(message == "the encoder broke");

  Received third;
  TileStream unwritable = stream_of(1000, 8, 8, third);
  unwritable.consume = [](std::int64_t, std::span<const float>) { throw Error(ErrorCode::Io, "disk full"); };
  CHECK(test::error_of([&] { run_pipeline(unwritable, SumEncoder(2), test::quiet_context()); }) == ErrorCode::Io);
}

TEST_CASE("pipeline: a stop request ends it as Cancelled") {
  std::stop_source stop;
  RunContext context{test::quiet_context().pool, silent_log(), silent_progress(), stop.get_token()};
  Received received;
  TileStream stream = stream_of(100000, 8, 8, received);
  stream.consume = [&](std::int64_t index, std::span<const float>) {
    received.order.push_back(index);
    if (index == 25) stop.request_stop();
  };
  CHECK(test::error_of([&] { run_pipeline(stream, SumEncoder(2), context); }) == ErrorCode::Cancelled);
  CHECK(received.order.size() < 1000);
}

TEST_CASE("pipeline: two slides in flight on one pool each come out whole and in order") {
  Received received[2];
  std::string message;
  {
    std::vector<std::jthread> slides;
    for (Received& own : received) {
      slides.emplace_back([&own] { run_pipeline(stream_of(30, 32, 8, own), SumEncoder(3), test::quiet_context()); });
    }
    // One beside them that fails takes nobody along.
    Received broken;
    CHECK(test::error_of([&] { run_pipeline(stream_of(30, 8, 8, broken), SumEncoder(2, 5), test::quiet_context()); },
                         &message) == ErrorCode::Internal);
  }
  for (const Received& own : received) check_received(own, 30, 32, 8);
}

TEST_CASE("pipeline: tiles in flight stay bounded") {
  std::atomic<std::int64_t> read{0};
  std::atomic<std::int64_t> worst{0};
  std::atomic<std::int64_t> consumed{0};
  Received received;
  TileStream stream = stream_of(400, 32, 8, received);
  stream.read = [&](std::int64_t index) {
    const std::int64_t ahead = ++read;
    worst = std::max<std::int64_t>(worst, ahead - consumed);
    return made_tile(index, 32, 8);
  };
  stream.consume = [&](std::int64_t, std::span<const float>) { ++consumed; };
  ThreadPool one(1);
  RunContext context{one, silent_log(), silent_progress(), {}};
  run_pipeline(stream, SumEncoder(1), context);
  CHECK(worst <= 4);  // 16 units a tile, 4 units queued: the tile in work, the one being pushed, the one being read
}

}  // namespace
}  // namespace hipt::encode
