// hipt_bench [SLIDE [PART...]]: this machine's peak, the engines, reading, tiling and the whole job on a slide (the
// demo slide when none is named). Parts by name run alone; the parts large and precisions run only so.
// hipt_bench --contest ...: one contestant of bench/peers/run, which asks it.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bench/bench.h"

namespace {

struct Part {
  std::string_view name;
  std::function<void(const std::filesystem::path&)> run;
  bool needs_slide = true;
  bool only_by_name = false;
};

const std::vector<Part>& parts() {
  using namespace hipt::bench;
  static const std::vector<Part> parts = {
      {"peak", [](const auto&) { bench_peak(); }, false},
      {"engine", [](const auto&) { bench_engine(); }, false},
      {"resnet", [](const auto&) { bench_resnet(); }, false},
      {"regions", [](const auto&) { bench_regions(); }, false},
      {"start", bench_start},
      {"memory", bench_memory},
      {"read", bench_read},
      {"tile", bench_tile},
      {"whole", bench_end_to_end},
      {"precisions", [](const auto&) { bench_precisions(); }, false, true},
      {"large", [](const auto&) { bench_large_slide(); }, false, true},
  };
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc > 1 && std::string_view(argv[1]) == "--contest") {
      hipt::bench::answer_contest(std::vector<std::string>(argv + 2, argv + argc));
      return 0;
    }
    const std::filesystem::path slide = argc > 1
                                            ? std::filesystem::path(argv[1])
                                            : std::filesystem::path(HIPT_SOURCE_DIR) / ".cache/CMU-1-Small-Region.svs";
    const std::vector<std::string_view> chosen(argv + std::min(argc, 2), argv + argc);
    for (const std::string_view name : chosen) {
      if (std::ranges::count(parts(), name, &Part::name) > 0) continue;
      fmt::print(stderr, "hipt_bench: no part {}; there are:", name);
      for (const Part& part : parts()) fmt::print(stderr, " {}", part.name);
      fmt::print(stderr, "\n");
      return 2;
    }
    for (const Part& part : parts()) {
      if (chosen.empty() ? part.only_by_name : std::ranges::count(chosen, part.name) == 0) continue;
      if (part.needs_slide && !std::filesystem::exists(slide)) {
        fmt::print("\n{}: not measured: {} does not exist (tools/setup --demo-slide)\n", part.name, slide.string());
        continue;
      }
      part.run(slide);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "hipt_bench: {}\n", error.what());
    return 1;
  }
}
