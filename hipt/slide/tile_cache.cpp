#include "hipt/slide/tile_cache.h"

namespace hipt::slide {

std::shared_ptr<const std::uint8_t[]> TileCache::get(std::uint64_t key, std::size_t bytes,
                                                     const std::function<void(std::uint8_t*)>& decode) {
  const std::shared_ptr<Tile> tile = find_or_add(key, bytes);
  if (!tile->ready.load(std::memory_order_acquire)) {
    const std::scoped_lock lock(tile->decoding);
    if (!tile->ready.load(std::memory_order_relaxed)) {
      tile->pixels.reset(new std::uint8_t[bytes]);  // every one of them is written
      decode(tile->pixels.get());
      tile->ready.store(true, std::memory_order_release);
    }
  }
  return {tile, tile->pixels.get()};
}

std::shared_ptr<const std::uint8_t[]> TileCache::find(std::uint64_t key) {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  const std::shared_ptr<Tile>& tile = *found->second;
  if (!tile->ready.load(std::memory_order_acquire)) return nullptr;
  return {tile, tile->pixels.get()};
}

std::shared_ptr<TileCache::Tile> TileCache::find_or_add(std::uint64_t key, std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = places_.find(key); found != places_.end()) {
    tiles_.splice(tiles_.begin(), tiles_, found->second);
    return tiles_.front();
  }
  while (!tiles_.empty() && bytes_ + bytes > byte_limit_) {
    bytes_ -= tiles_.back()->bytes;
    places_.erase(tiles_.back()->key);
    tiles_.pop_back();
  }
  auto tile = std::make_shared<Tile>();
  tile->key = key;
  tile->bytes = bytes;
  tiles_.push_front(tile);
  places_[key] = tiles_.begin();
  bytes_ += bytes;
  return tile;
}

}  // namespace hipt::slide
