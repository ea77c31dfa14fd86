// hipt_bench [SLIDE]: this machine's peak, the engine, reading, and the whole job on a slide (the demo slide when none
// is named).

#include <cstdio>
#include <exception>
#include <filesystem>

#include <fmt/format.h>

#include "bench/bench.h"

int main(int argc, char** argv) {
  try {
    const std::filesystem::path slide = argc > 1
                                            ? std::filesystem::path(argv[1])
                                            : std::filesystem::path(HIPT_SOURCE_DIR) / ".cache/CMU-1-Small-Region.svs";
    hipt::bench::bench_peak();
    hipt::bench::bench_engine();
    if (!std::filesystem::exists(slide)) {
      fmt::print("\nReading and the whole job were not measured: {} does not exist (tools/setup --demo-slide)\n",
                 slide.string());
      return 0;
    }
    hipt::bench::bench_read(slide);
    hipt::bench::bench_end_to_end(slide);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "hipt_bench: {}\n", error.what());
    return 1;
  }
}
