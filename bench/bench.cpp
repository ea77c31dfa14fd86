#include "bench/bench.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <thread>

namespace hipt::bench {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<vit::Precision> precisions_here() {
  std::vector<vit::Precision> precisions;
  for (const auto& entry : enum_names(vit::Precision{})) {
    if (vit::has_instructions(entry.value)) precisions.push_back(entry.value);
  }
  return precisions;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double median_of(int rounds, const std::function<double()>& measure) {
  std::vector<double> values;
  for (int round = 0; round < rounds; ++round) values.push_back(measure());
  return median(std::move(values));
}

double seconds_on_threads(std::size_t threads, const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  // Each worker looks at the clock itself: this thread may wake late.
  std::vector<Clock::time_point> begins(threads), ends(threads);
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        start.arrive_and_wait();
        begins[i] = Clock::now();
        work(i);
        ends[i] = Clock::now();
      });
    }
  }
  return std::chrono::duration<double>(std::ranges::max(ends) - std::ranges::min(begins)).count();
}

}  // namespace hipt::bench
