#include "hipt/subtype/bag_store.h"

#include <utility>

#include "hipt/base/error.h"

namespace hipt::subtype {
namespace {

constexpr std::size_t kReadAhead = 4;  // bags

std::int64_t bytes_of(const mil::Bag& bag) {
  return static_cast<std::int64_t>(bag.features.byte_size() + bag.clusters.size() * sizeof(std::int64_t) +
                                   bag.edges.size() * sizeof(mil::Edge));
}

}  // namespace

BagStore::BagStore(std::size_t slides, Load load, std::int64_t memory)
    : load_(std::move(load)), kept_(slides), room_(memory) {}

std::shared_ptr<const mil::Bag> BagStore::get(std::size_t slide) {
  {
    const std::scoped_lock lock(mutex_);
    if (kept_.at(slide)) return kept_[slide];
  }
  auto bag = std::make_shared<const mil::Bag>(load_(slide));
  const std::int64_t bytes = bytes_of(*bag);
  const std::scoped_lock lock(mutex_);
  if (kept_[slide]) return kept_[slide];
  if (bytes <= room_) {
    room_ -= bytes;
    kept_[slide] = bag;
  }
  return bag;
}

BagStream::BagStream(BagStore& store, std::vector<std::size_t> order)
    : queue_(kReadAhead), reader_([this, &store, order = std::move(order)] {
        for (const std::size_t slide : order) {
          Item item;
          try {
            item.bag = store.get(slide);
          } catch (...) {
            item.failure = std::current_exception();
          }
          if (!queue_.push(std::move(item))) return;
        }
        queue_.close();
      }) {}

BagStream::~BagStream() {
  queue_.close();
}

std::shared_ptr<const mil::Bag> BagStream::next() {
  std::optional<Item> item = queue_.pop();
  if (!item) throw Error(ErrorCode::Internal, "more bags were asked for than were ordered");
  if (item->failure) std::rethrow_exception(item->failure);
  return std::move(item->bag);
}

}  // namespace hipt::subtype
