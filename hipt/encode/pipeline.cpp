#include "hipt/encode/pipeline.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hipt/base/bounded_queue.h"
#include "hipt/encode/byte_budget.h"

namespace hipt::encode {
namespace {

// One reader decodes for about this many inference threads (OpenSlide: 45 megapixels a second; ViT-256: under 1).
constexpr std::size_t kWorkersPerReader = 16;

// A tile on its way: pixels until its last patch is encoded, then features until it is consumed.
struct Tile {
  std::int64_t index = 0;
  image::RgbImage pixels;
  std::vector<float> features;  // [patches, dim], then `extra`
  std::atomic<std::int64_t> patches_left{0};
};

// Patches [first, first + count) of a tile.
struct TilePart {
  std::shared_ptr<Tile> tile;
  std::int64_t first = 0;
  std::int64_t count = 0;
};
using WorkUnit = std::vector<TilePart>;  // about one preferred batch

class Pipeline {
 public:
  Pipeline(const TileStream& stream, const PatchEncoder& encoder, RunContext& context)
      : stream_(stream),
        encoder_(encoder),
        context_(context),
        workers_(std::min(context.pool.size(), std::max<std::size_t>(1, encoder.max_concurrency()))),
        batch_(static_cast<std::int64_t>(std::max<std::size_t>(1, encoder.preferred_batch()))),
        queue_(4 * workers_),
        budget_(stream.most_bytes),
        read_bytes_(std::max(stream.read_bytes, stream.tile_bytes())) {}

  void run() {
    const std::size_t readers = std::max<std::size_t>(1, workers_ / kWorkersPerReader);
    readers_left_ = readers;
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < readers; ++i) threads.emplace_back([this] { guarded([this] { read_tiles(); }); });
      context_.pool.parallel_for(workers_, [this](std::size_t) { guarded([this] { encode_units(); }); });
    }
    if (failure_) std::rethrow_exception(failure_);
    context_.check_stop();
  }

 private:
  // The first failure ends every thread by closing the queue.
  template <class Body>
  void guarded(Body&& body) {
    try {
      body();
    } catch (...) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
      end();
    }
  }

  void end() {
    stopping_ = true;
    queue_.close();
    budget_.close();
  }

  bool stopping() const { return stopping_ || context_.stop.stop_requested(); }

  // Tiles are taken in chunks that fill a batch; a tile of many patches is pushed in batches.
  void read_tiles() {
    const std::int64_t chunk = std::max<std::int64_t>(1, batch_ / stream_.patches_per_tile());
    for (std::int64_t first = next_tile_.fetch_add(chunk); first < stream_.count && !stopping();
         first = next_tile_.fetch_add(chunk)) {
      WorkUnit unit;
      const std::int64_t end_of_chunk = std::min(first + chunk, stream_.count);
      if (!budget_.take((end_of_chunk - first) * read_bytes_)) return;
      for (std::int64_t index = first; index < end_of_chunk; ++index) {
        const std::shared_ptr<Tile> tile = read_tile(index);
        for (std::int64_t patch = 0; patch < stream_.patches_per_tile(); patch += batch_) {
          unit.push_back({tile, patch, std::min(batch_, stream_.patches_per_tile() - patch)});
          if (chunk == 1 && !queue_.push(std::exchange(unit, {}))) return;
        }
      }
      if (chunk > 1 && !queue_.push(std::move(unit))) return;
    }
    if (--readers_left_ == 0) queue_.close();
  }

  std::shared_ptr<Tile> read_tile(std::int64_t index) {
    auto tile = std::make_shared<Tile>();
    tile->index = index;
    tile->pixels = stream_.read(index);
    if (tile->pixels.width() != stream_.tile_px || tile->pixels.height() != stream_.tile_px) {
      throw Error(ErrorCode::Internal, "a tile was read with another size than its stream's");
    }
    budget_.give(read_bytes_ - stream_.tile_bytes());
    const std::int64_t patches = stream_.patches_per_tile();
    tile->features.resize(static_cast<std::size_t>(patches) * encoder_.dim() + stream_.extra_dim);
    tile->patches_left = patches;
    return tile;
  }

  void encode_units() {
    std::vector<RgbView> views;
    std::vector<float> features;
    while (std::optional<WorkUnit> unit = queue_.pop()) {
      if (stopping()) {
        end();
        continue;
      }
      views.clear();
      for (const TilePart& part : *unit) add_views(part, views);
      features.resize(views.size() * encoder_.dim());
      encoder_.encode(views, features);
      context_.progress.advance(static_cast<std::int64_t>(views.size()));
      std::span<const float> rest(features);
      for (const TilePart& part : *unit) rest = deliver(part, rest);
    }
  }

  void add_views(const TilePart& part, std::vector<RgbView>& views) const {
    const int columns = stream_.tile_px / stream_.patch_px;
    for (std::int64_t patch = part.first; patch < part.first + part.count; ++patch) {
      const int row = static_cast<int>(patch / columns);
      const int column = static_cast<int>(patch % columns);
      views.push_back(part.tile->pixels.view().crop(column * stream_.patch_px, row * stream_.patch_px, stream_.patch_px,
                                                    stream_.patch_px));
    }
  }

  // Copies a part's features into its tile; whoever brings the last one finishes the tile.
  std::span<const float> deliver(const TilePart& part, std::span<const float> features) {
    const std::size_t dim = encoder_.dim();
    const std::size_t size = static_cast<std::size_t>(part.count) * dim;
    std::copy_n(features.begin(), size,
                part.tile->features.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(part.first) * dim));
    if (part.tile->patches_left.fetch_sub(part.count) == part.count) finish_tile(part.tile);
    return features.subspan(size);
  }

  void finish_tile(const std::shared_ptr<Tile>& tile) {
    tile->pixels = {};
    budget_.give(stream_.tile_bytes());
    if (stream_.finish) {
      const std::span<float> all(tile->features);
      const std::size_t split = all.size() - stream_.extra_dim;
      stream_.finish(all.first(split), all.subspan(split));
    }
    const std::scoped_lock lock(consume_mutex_);
    waiting_.emplace(tile->index, tile);
    for (auto next = waiting_.find(next_consumed_); next != waiting_.end(); next = waiting_.find(next_consumed_)) {
      stream_.consume(next->first, next->second->features);
      waiting_.erase(next);
      ++next_consumed_;
    }
  }

  const TileStream& stream_;
  const PatchEncoder& encoder_;
  RunContext& context_;
  const std::size_t workers_;
  const std::int64_t batch_;
  BoundedQueue<WorkUnit> queue_;
  ByteBudget budget_;
  const std::int64_t read_bytes_;  // of one tile while it is read
  std::atomic<std::int64_t> next_tile_{0};
  std::atomic<std::size_t> readers_left_{0};
  std::atomic<bool> stopping_{false};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::mutex consume_mutex_;
  std::map<std::int64_t, std::shared_ptr<Tile>> waiting_;
  std::int64_t next_consumed_ = 0;
};

}  // namespace

void run_pipeline(const TileStream& stream, const PatchEncoder& encoder, RunContext& context) {
  if (stream.count > 0) Pipeline(stream, encoder, context).run();
}

}  // namespace hipt::encode
