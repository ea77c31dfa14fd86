#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "hipt/base/bounded_queue.h"
#include "hipt/base/run_context.h"
#include "hipt/base/thread_pool.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

TEST_CASE("queue: many producers and consumers pass every value once") {
  constexpr int kProducers = 4, kEach = 500;
  BoundedQueue<int> queue(3);
  std::vector<std::atomic<int>> seen(kProducers * kEach);
  std::vector<std::thread> consumers, producers;
  for (int c = 0; c < 3; ++c) {
    consumers.emplace_back([&] {
      while (const std::optional<int> value = queue.pop()) ++seen[static_cast<std::size_t>(*value)];
    });
  }
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) queue.push(p * kEach + i);
    });
  }
  for (std::thread& thread : producers) thread.join();
  queue.close();
  for (std::thread& thread : consumers) thread.join();
  for (const std::atomic<int>& count : seen) CHECK(count == 1);
}

TEST_CASE("queue: one producer and one consumer keep the order") {
  BoundedQueue<int> queue(2);
  std::thread producer([&] {
    for (int i = 0; i < 100; ++i) queue.push(i);
    queue.close();
  });
  int expected = 0;
  while (const auto value = queue.pop()) CHECK(*value == expected++);
  producer.join();
  CHECK(expected == 100);
}

TEST_CASE("queue: it never holds more than its capacity") {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed = 0;
  std::thread producer([&] {
    while (queue.push(1)) ++pushed;
  });
  while (pushed < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(pushed == 2);  // the third push waits
  CHECK(queue.pop().has_value());
  while (pushed < 3) std::this_thread::yield();
  queue.close();
  producer.join();
  CHECK(pushed == 3);
}

TEST_CASE("queue: closing wakes those who wait and drains what is left") {
  BoundedQueue<std::unique_ptr<int>> queue(1);  // values need only be movable
  REQUIRE(queue.push(std::make_unique<int>(7)));
  std::thread waiting_producer([&] { CHECK(!queue.push(std::make_unique<int>(8))); });
  queue.close();
  waiting_producer.join();
  const auto value = queue.pop();
  REQUIRE(value.has_value());
  CHECK(**value == 7);
  CHECK(!queue.pop().has_value());

  BoundedQueue<int> empty(1);
  std::thread waiting_consumer([&] { CHECK(!empty.pop().has_value()); });
  empty.close();
  waiting_consumer.join();
  CHECK(!empty.push(1));
}

TEST_CASE("pool: every index runs once on the pool's own threads") {
  ThreadPool pool(3);
  CHECK(pool.size() == 3);
  std::vector<std::atomic<int>> runs(1000);
  std::atomic<int> on_caller = 0;
  const std::thread::id caller = std::this_thread::get_id();
  pool.parallel_for(runs.size(), [&](std::size_t index) {
    ++runs[index];
    if (std::this_thread::get_id() == caller) ++on_caller;
  });
  for (const std::atomic<int>& count : runs) CHECK(count == 1);
  CHECK(on_caller == 0);
}

TEST_CASE("pool: no tasks is no work and no threads means one") {
  ThreadPool pool(0);
  CHECK(pool.size() == 1);
  pool.parallel_for(0, [](std::size_t) { FAIL("called"); });
  int runs = 0;
  pool.parallel_for(1, [&](std::size_t) { ++runs; });
  CHECK(runs == 1);
}

TEST_CASE("pool: nested calls run in place and cannot deadlock") {
  ThreadPool pool(2);
  std::atomic<int> runs = 0;
  pool.parallel_for(8, [&](std::size_t) {
    const std::thread::id outer = std::this_thread::get_id();
    pool.parallel_for(8, [&](std::size_t) {
      CHECK(std::this_thread::get_id() == outer);
      pool.parallel_for(2, [&](std::size_t) { ++runs; });
    });
  });
  CHECK(runs == 128);
}

TEST_CASE("pool: several threads may use it at once") {
  ThreadPool pool(2);
  std::atomic<int> runs = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) pool.parallel_for(16, [&](std::size_t) { ++runs; });
    });
  }
  for (std::thread& thread : callers) thread.join();
  CHECK(runs == 4 * 20 * 16);
}

TEST_CASE("pool: the first exception stops the rest and reaches the caller") {
  ThreadPool pool(2);
  std::atomic<int> runs = 0;
  const auto body = [&](std::size_t index) {
    ++runs;
    if (index == 10) throw Error(ErrorCode::Corrupt, "tile 10 is broken");
  };
  std::string message;
  CHECK(error_of([&] { pool.parallel_for(100000, body); }, &message) == ErrorCode::Corrupt);
  CHECK(message == "tile 10 is broken");
  CHECK(runs < 100000);
  CHECK_THROWS_AS(pool.parallel_for(4, [](std::size_t) { throw std::runtime_error("other"); }), std::runtime_error);
  runs = 0;
  pool.parallel_for(5, [&](std::size_t) { ++runs; });  // and the pool goes on
  CHECK(runs == 5);
}

TEST_CASE("pool: an exception of a nested call passes through") {
  ThreadPool pool(2);
  CHECK(error_of([&] {
          pool.parallel_for(
              4, [&](std::size_t) { pool.parallel_for(4, [](std::size_t) { throw Error(ErrorCode::Io, "disk"); }); });
        }) == ErrorCode::Io);
}

TEST_CASE("pool: a stop request ends a loop with Cancelled") {
  ThreadPool pool(2);
  std::stop_source stop;
  std::atomic<int> runs = 0;
  const auto body = [&](std::size_t) {
    if (++runs == 20) stop.request_stop();
  };
  CHECK(error_of([&] { pool.parallel_for(100000, body, stop.get_token()); }) == ErrorCode::Cancelled);
  CHECK(runs >= 20);
  CHECK(runs < 100000);
  runs = 0;
  CHECK(error_of([&] { pool.parallel_for(3, body, stop.get_token()); }) == ErrorCode::Cancelled);
  CHECK(runs == 0);
}

TEST_CASE("pool: shared work is done by the caller and by workers with nothing else to do") {
  ThreadPool pool(3);
  std::atomic<bool> released = false;
  std::atomic<int> busy = 0;
  std::jthread other([&] {
    pool.parallel_for(3, [&](std::size_t) {
      ++busy;
      while (!released) std::this_thread::yield();
    });
  });
  while (busy < 3) std::this_thread::yield();
  const std::thread::id caller = std::this_thread::get_id();
  int runs = 0;
  pool.share(50, [&](std::size_t) {
    CHECK(std::this_thread::get_id() == caller);
    ++runs;
  });
  CHECK(runs == 50);  // though every worker is busy
  released = true;
  other.join();

  std::vector<std::atomic<int>> seen(1000);
  pool.parallel_for(4, [&](std::size_t i) { pool.share(250, [&](std::size_t k) { ++seen[i * 250 + k]; }); });
  for (const std::atomic<int>& count : seen) CHECK(count == 1);
  CHECK(error_of([&] { pool.share(9, [](std::size_t) { throw Error(ErrorCode::Corrupt, "tile"); }); }) ==
        ErrorCode::Corrupt);
  pool.share(0, [](std::size_t) { CHECK(false); });
}

TEST_CASE("pool: each worker is prepared once before its first task") {
  std::atomic<int> prepared = 0;
  {
    ThreadPool pool(3, [&] { ++prepared; });
    pool.parallel_for(50, [&](std::size_t) { CHECK(prepared > 0); });
  }
  CHECK(prepared == 3);
}

TEST_CASE("pool: a pool is of the size of the machine or smaller") {
  CHECK(usable_cores() >= 1);
  CHECK(usable_cores() <= std::max(1u, std::thread::hardware_concurrency()));
}

TEST_CASE("context: check_stop throws Cancelled after a stop request") {
  std::stop_source stop;
  RunContext context = test::quiet_context();
  context.stop = stop.get_token();
  context.check_stop();
  stop.request_stop();
  CHECK(error_of([&] { context.check_stop(); }) == ErrorCode::Cancelled);
}
