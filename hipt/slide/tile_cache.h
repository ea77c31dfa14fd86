#pragma once
// Decoded tiles of one slide, the last used kept up to a limit of bytes.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace hipt::slide {

// Safe from many threads. A tile that several ask for at once is decoded by the first, and the others wait for it.
class TileCache {
 public:
  explicit TileCache(std::size_t byte_limit) : byte_limit_(byte_limit) {}

  // The `bytes` bytes of the tile `key`, which `decode` fills in when they are not here. What it throws goes to the
  // caller, and the next one tries again. The pixels stay valid while the caller holds them; what is held longer than
  // the cache keeps it does not count against the limit.
  std::shared_ptr<const std::uint8_t[]> get(std::uint64_t key, std::size_t bytes,
                                            const std::function<void(std::uint8_t*)>& decode);

  // The tile when it is here and decoded, else null.
  std::shared_ptr<const std::uint8_t[]> find(std::uint64_t key);

 private:
  struct Tile {
    std::uint64_t key = 0;
    std::size_t bytes = 0;
    std::mutex decoding;
    std::atomic<bool> ready = false;
    std::unique_ptr<std::uint8_t[]> pixels;
  };
  using Tiles = std::list<std::shared_ptr<Tile>>;  // the last used first

  std::shared_ptr<Tile> find_or_add(std::uint64_t key, std::size_t bytes);

  const std::size_t byte_limit_;
  std::mutex mutex_;  // of what follows
  std::size_t bytes_ = 0;
  Tiles tiles_;
  std::unordered_map<std::uint64_t, Tiles::iterator> places_;
};

}  // namespace hipt::slide
