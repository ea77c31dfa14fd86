#pragma once
// What the measurements share. Each part prints its table to standard output; docs/performance.md quotes them.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/vit/precision.h"

namespace hipt::bench {

inline constexpr int kRounds = 5;

double seconds_of(const std::function<void()>& work);
double median(std::vector<double> values);
// Of ViT-256: those that this machine has instructions for.
std::vector<vit::Precision> precisions_here();
// Median of what `measure` gives in `rounds` calls.
double median_of(int rounds, const std::function<double()>& measure);

// Seconds until `threads` threads have each done `work(thread)`; they start it together (first start to last end).
double seconds_on_threads(std::size_t threads, const std::function<void(std::size_t)>& work);

// Float32 operations a second (a fused multiply-add is two) of `threads` threads in a loop that does nothing else, on
// the best instruction set.
double float_peak(std::size_t threads);

// Operations a second of oneDNN's products in "bf16" or "int8" (u8 by s8), from the second-level cache. Nothing where
// the processor has no instructions for them.
std::optional<double> product_peak(std::string_view precision, std::size_t threads);

// Of one of the above or of "f32": not a number where there is none.
double peak_of(std::string_view precision, std::size_t threads);

void bench_peak();
void bench_engine();
void bench_resnet();
void bench_regions();
void bench_start(const std::filesystem::path& slide);
void bench_memory(const std::filesystem::path& slide);
void bench_read(const std::filesystem::path& slide);
void bench_end_to_end(const std::filesystem::path& slide);
void bench_tile(const std::filesystem::path& slide);
void bench_large_slide();
void bench_precisions();

// One contestant of bench/peers (bench_patches.cpp), until standard input ends.
void answer_contest(std::span<const std::string> words);

}  // namespace hipt::bench
