#pragma once
// Bags for folds that train side by side: kept in memory as far as there is room, read anew otherwise, and read ahead.

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "hipt/base/bounded_queue.h"
#include "hipt/mil/bag.h"

namespace hipt::subtype {

// Safe from many threads.
class BagStore {
 public:
  using Load = std::function<mil::Bag(std::size_t slide)>;

  // Keeps the first bags asked for until they take `memory` bytes. `load` may be called by several threads at once.
  BagStore(std::size_t slides, Load load, std::int64_t memory);

  // Throws what `load` throws.
  std::shared_ptr<const mil::Bag> get(std::size_t slide);

 private:
  const Load load_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const mil::Bag>> kept_;
  std::int64_t room_;
};

// The bags of `order`, in that order, read ahead by a thread of its own.
class BagStream {
 public:
  BagStream(BagStore& store, std::vector<std::size_t> order);
  ~BagStream();
  BagStream(const BagStream&) = delete;
  BagStream& operator=(const BagStream&) = delete;

  // The next bag; as many calls as `order` is long. Throws what loading it threw.
  std::shared_ptr<const mil::Bag> next();

 private:
  struct Item {
    std::shared_ptr<const mil::Bag> bag;
    std::exception_ptr failure;
  };
  BoundedQueue<Item> queue_;
  std::jthread reader_;
};

}  // namespace hipt::subtype
