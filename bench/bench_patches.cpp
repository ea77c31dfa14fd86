// Our side of bench/peers: one contestant in a process of its own, which answers on standard output.
//
// "ready" is said after the first result. Then each empty line on standard input asks for one pass over everything,
// answered by its seconds; any other line names a file for the results of the last pass, answered by "written".

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/thread_pool.h"
#include "hipt/io/byte_file.h"
#include "hipt/slide/slide.h"
#include "hipt/vit/engine.h"

#include "bench/bench.h"

namespace hipt::bench {
namespace {

constexpr int kPatchPx = 256;
constexpr std::size_t kPatchBytes = std::size_t{3} * kPatchPx * kPatchPx;

class Contestant {
 public:
  virtual ~Contestant() = default;
  virtual void first() = 0;   // what stands before the first result, and that result
  virtual double pass() = 0;  // seconds
  virtual std::string results() const = 0;
};

// ViT-256 over patches [n, 256, 256, 3] of bytes in a file, `batch` patches a call; the results are float32 [n, dim].
class Encoder final : public Contestant {
 public:
  Encoder(const std::string& weights, std::string_view precision, const std::string& patches, std::size_t threads,
          std::size_t batch)
      : engine_(vit::make_cpu_engine(vit::weights_from(weights, vit::named_config("vit_small")), named(precision))),
        pixels_(io::MappedFile::open(patches)),
        batch_(batch),
        pool_(threads, vit::prepare_engine_thread) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(pixels_->bytes().data());
    for (std::size_t at = 0; at + kPatchBytes <= pixels_->bytes().size(); at += kPatchBytes) {
      patches_.push_back({bytes + at, kPatchPx, kPatchPx, std::ptrdiff_t{3} * kPatchPx});
    }
    if (patches_.empty() || batch == 0) throw Error(ErrorCode::InvalidArgument, "no patches, or batches of none");
    features_.resize(patches_.size() * dim());
  }

  void first() override { encode(0, 1); }

  double pass() override {
    const std::size_t calls = (patches_.size() + batch_ - 1) / batch_;
    return seconds_of([&] {
      pool_.parallel_for(calls,
                         [&](std::size_t i) { encode(i * batch_, std::min(batch_, patches_.size() - i * batch_)); });
    });
  }

  std::string results() const override {
    return {reinterpret_cast<const char*>(features_.data()), features_.size() * sizeof(float)};
  }

 private:
  static vit::Precision named(std::string_view name) {
    for (const auto& entry : enum_names(vit::Precision{})) {
      if (entry.name == name) return entry.value;
    }
    throw Error(ErrorCode::InvalidArgument, fmt::format("no precision {}", name));
  }
  std::size_t dim() const { return static_cast<std::size_t>(engine_->config().dim); }

  void encode(std::size_t first, std::size_t count) {
    engine_->encode(std::span(patches_).subspan(first, count),
                    std::span(features_).subspan(first * dim(), count * dim()));
  }

  std::unique_ptr<vit::Engine> engine_;
  std::shared_ptr<const io::MappedFile> pixels_;
  std::size_t batch_;
  std::vector<RgbView> patches_;
  std::vector<float> features_;
  ThreadPool pool_;
};

// Squares of a slide, whose level-0 corners stand in a file ("x y" a line). The slide is opened anew for each pass, not
// counted in its time, so that no cache of tiles is warm. The results are the SHA-256 of each square's RGB bytes.
class Reader final : public Contestant {
 public:
  Reader(std::string file, const std::string& corners, std::int64_t side, std::size_t threads)
      : file_(std::move(file)), side_(side), pool_(threads) {
    std::ifstream lines(corners);
    for (Level0Point corner{}; lines >> corner.x >> corner.y;) corners_.push_back(corner);
    if (corners_.empty()) throw Error(ErrorCode::InvalidArgument, fmt::format("{}: no corners", corners));
  }

  void first() override { slide::open_slide(file_)->read_region(corners_.front(), 0, {side_, side_}); }

  double pass() override {
    const auto slide = slide::open_slide(file_);
    return seconds_of([&] {
      pool_.parallel_for(corners_.size(), [&](std::size_t i) { slide->read_region(corners_[i], 0, {side_, side_}); });
    });
  }

  std::string results() const override {
    const auto slide = slide::open_slide(file_);
    std::string text;
    for (const Level0Point corner : corners_) {
      const image::RgbImage square = slide->read_region(corner, 0, {side_, side_});
      text += fmt::format("{}\n", sha256_hex(std::as_bytes(std::span(square.data(), square.byte_size()))));
    }
    return text;
  }

 private:
  std::string file_;
  std::int64_t side_;
  std::vector<Level0Point> corners_;
  ThreadPool pool_;
};

// The machine itself: a pass is 10^12 operations of a precision at its peak.
class Peak final : public Contestant {
 public:
  Peak(std::string precision, std::size_t threads) : precision_(std::move(precision)), threads_(threads) {}
  void first() override { peak(); }
  double pass() override { return 1e12 / peak(); }
  std::string results() const override { return {}; }

 private:
  double peak() const {
    if (precision_ == "f32") return float_peak(threads_);
    const std::optional<double> peak = product_peak(precision_, threads_);
    if (!peak) throw Error(ErrorCode::Device, fmt::format("the processor has no {} products", precision_));
    return *peak;
  }

  std::string precision_;
  std::size_t threads_;
};

std::unique_ptr<Contestant> contestant(std::span<const std::string> words) {
  const auto number = [&](std::size_t i) { return static_cast<std::size_t>(std::stoull(words[i])); };
  if (words.size() == 3 && words[0] == "peak") return std::make_unique<Peak>(words[1], number(2));
  if (words.size() == 6 && words[0] == "encode") {
    return std::make_unique<Encoder>(words[1], words[2], words[3], number(4), number(5));
  }
  if (words.size() == 5 && words[0] == "read") {
    return std::make_unique<Reader>(words[1], words[2], static_cast<std::int64_t>(number(3)), number(4));
  }
  throw Error(
      ErrorCode::InvalidArgument,
      "a contestant is: peak PRECISION THREADS | encode WEIGHTS PRECISION PATCHES THREADS BATCH | read SLIDE CORNERS "
      "SIDE THREADS");
}

}  // namespace

void answer_contest(std::span<const std::string> words) {
  const std::unique_ptr<Contestant> ours = contestant(words);
  ours->first();
  fmt::print("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) {
      fmt::print("{:.9f}\n", ours->pass());
    } else {
      std::ofstream file(line, std::ios::binary);
      if (!(file << ours->results() << std::flush)) throw Error(ErrorCode::Io, fmt::format("{}: not written", line));
      fmt::print("written\n");
    }
    std::fflush(stdout);
  }
}

}  // namespace hipt::bench
