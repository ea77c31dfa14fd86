#include "hipt/encode/pretraining_data.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/formula.h"
#include "hipt/base/version.h"
#include "hipt/cohort/output.h"
#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/encode/byte_budget.h"
#include "hipt/encode/feature_file.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/torch_file.h"
#include "hipt/tissue/tissue.h"
#include "hipt/vit/region_encoder.h"

namespace hipt::encode {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{2} << 30;  // of pixels in flight

struct StudySlide {
  std::filesystem::path study;   // TCGA_ROOT_DIR/tcga_brca
  cohort::StudyFolder folder;    // its extracted_mag20x_patch4096_fp
  std::filesystem::path source;  // the file of that folder that names the slide
  std::string id;

  std::string name() const { return fmt::format("{}/{}", study.filename().string(), id); }
};

std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    entries.push_back(entry->path());
  }
  if (failure) {
    throw Error(ErrorCode::Io, fmt::format("{}: cannot be listed: {}", folder.string(), failure.message()));
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

void check(const PretrainingOptions& options) {
  check_ranges(options);
  if (options.patch_size % vit::kPatchPx != 0) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--patch_size {}: regions are multiples of {} px", options.patch_size, vit::kPatchPx));
  }
  if (options.root_dir.empty() || options.save_dir.empty()) {
    throw Error(ErrorCode::InvalidArgument, "name the folder of studies, --root_dir, and that of the data, --save_dir");
  }
}

std::filesystem::path patch_folder(const PretrainingOptions& options) {
  return std::filesystem::path(options.save_dir) / "patch_256_pretraining";
}
std::filesystem::path region_folder(const PretrainingOptions& options) {
  return std::filesystem::path(options.save_dir) / "region_4096_pretraining";
}

// The slides of all studies by the files in `place` of their folders; `.h5` beside a `.pt` of the same slide is one.
std::vector<StudySlide> find_slides(const PretrainingOptions& options, const std::filesystem::path& place) {
  std::vector<StudySlide> slides;
  std::map<std::string, std::string> seen;  // id -> study
  bool any_study = false;
  for (const std::filesystem::path& study : sorted_entries(options.root_dir)) {
    const cohort::StudyFolder folder = cohort::study_output(study, options.mag, options.patch_size);
    if (!is_folder(folder.root)) continue;
    any_study = true;
    if (!is_folder(folder.root / place)) continue;
    std::set<std::string> of_study;
    for (const std::filesystem::path& file : sorted_entries(folder.root / place)) {
      const bool known = file.extension() == ".h5" || file.extension() == ".pt";
      if (!known || file.stem().string().find(".tmp-") != std::string::npos) continue;
      StudySlide slide{study, folder, file, file.stem().string()};
      if (!of_study.insert(slide.id).second) {
        slides.back().source = file;  // the .pt, which sorts behind
        continue;
      }
      const auto [other, fresh] = seen.emplace(slide.id, study.filename().string());
      if (!fresh) {
        throw Error(ErrorCode::InvalidArgument,
                    fmt::format("two studies have a slide {}: {} and {}; their files would have the same names",
                                slide.id, other->second, study.filename().string()));
      }
      slides.push_back(std::move(slide));
    }
  }
  if (!any_study) {
    const std::string wanted = cohort::study_output("<study>", options.mag, options.patch_size).root.string();
    throw Error(ErrorCode::NotFound, fmt::format("{}: no study has a folder {}; run hipt tile or hipt encode first",
                                                 options.root_dir, wanted));
  }
  return slides;
}

// What became of the files of one slide; counted from many threads.
struct Counts {
  std::atomic<std::int64_t> written{0};
  std::atomic<std::int64_t> present{0};
};

// Runs `process` for each slide; an Error of one is listed and the others go on.
template <class Process>
PretrainingSummary for_each_slide(const std::vector<StudySlide>& slides, RunContext& context, Process&& process) {
  PretrainingSummary summary;
  Counts counts;
  for (const StudySlide& slide : slides) {
    context.check_stop();
    ++summary.slides;
    try {
      process(slide, counts);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Cancelled) throw;
      summary.failed.emplace_back(slide.name(), error.what());
      context.log.write(LogLevel::Error, fmt::format("{}: {}", slide.name(), error.what()));
    }
  }
  context.progress.end();
  summary.written = counts.written;
  summary.present = counts.present;
  return summary;
}

// `count` different numbers below `total`, rising; all of them for count 0. The same for one region and seed always.
std::vector<std::int64_t> chosen_patches(std::int64_t count, std::int64_t total, std::int64_t seed,
                                         const std::string& region) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(total));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (count == 0 || count >= total) return numbers;
  const FormulaWords words(std::to_string(seed), region);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    std::swap(numbers[i], numbers[i + words[i] % (numbers.size() - i)]);
  }
  numbers.resize(static_cast<std::size_t>(count));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// The patches of one slide's regions.
class PatchWriter {
 public:
  PatchWriter(const PretrainingOptions& options, std::shared_ptr<const slide::Slide> slide,
              const tiling::Coordinates& coordinates, ByteBudget& budget, Counts& counts)
      : options_(options),
        slide_(std::move(slide)),
        coordinates_(coordinates),
        pixels_(coordinates.pixels),
        budget_(budget),
        counts_(counts),
        fingerprint_(tissue::slide_identity(*slide_)) {
    if (pixels_.level >= std::ssize(slide_->levels()) || pixels_.patch_size != options.patch_size) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("its regions are {} px of level {}, expected {} px",
                                                          pixels_.patch_size, pixels_.level, options.patch_size));
    }
    per_side_ = pixels_.patch_size / vit::kPatchPx;
    to_level0_ = slide_->levels()[static_cast<std::size_t>(pixels_.level)].downsample *
                 static_cast<double>(pixels_.read_size) / static_cast<double>(pixels_.patch_size);
    fingerprint_.set("patch_level", fmt::format("{}", pixels_.level));
    fingerprint_.set("patch_size", fmt::format("{}", pixels_.read_size));
    fingerprint_.set("target_patch_size", fmt::format("{}", pixels_.patch_size));
  }

  // All regions; also when one of them fails, what was made of the others stays.
  void write(RunContext& context) {
    try {
      context.pool.parallel_for(
          coordinates_.points.size(), [&](std::size_t index) { write_region(index, context); }, context.stop);
    } catch (...) {
      pictures_.finish();
      throw;
    }
    pictures_.finish();
  }

 private:
  void write_region(std::size_t index, RunContext& context) {
    const Level0Point origin = coordinates_.points[index];
    const std::string region = fmt::format("{}_{}_{}", slide_->id(), origin.x, origin.y);
    const std::vector<std::int64_t> chosen =
        chosen_patches(options_.patches_per_region, per_side_ * per_side_, options_.seed, region);
    std::vector<std::int64_t> missing;
    for (const std::int64_t patch : chosen) {
      if (!cohort::text_of_equal_picture(file_of(origin, patch), fingerprint_)) missing.push_back(patch);
    }
    counts_.present += std::ssize(chosen) - std::ssize(missing);
    if (few(missing)) {
      for (const std::int64_t patch : missing) write(origin, patch, read_alone(origin, patch).view());
    } else if (!missing.empty()) {
      write_from_region(origin, missing);
    }
    context.progress.advance(std::ssize(chosen));
  }

  std::int64_t column_px(std::int64_t patch) const { return patch % per_side_ * vit::kPatchPx; }
  std::int64_t row_px(std::int64_t patch) const { return patch / per_side_ * vit::kPatchPx; }

  Level0Point corner(Level0Point origin, std::int64_t patch) const {
    return {origin.x + std::llround(static_cast<double>(column_px(patch)) * to_level0_),
            origin.y + std::llround(static_cast<double>(row_px(patch)) * to_level0_)};
  }

  std::filesystem::path file_of(Level0Point origin, std::int64_t patch) const {
    const Level0Point point = corner(origin, patch);
    return patch_folder(options_) / fmt::format("{}_{}_{}.png", slide_->id(), point.x, point.y);
  }

  // Whether patches are read one by one: few of a region, where that gives the region's very pixels.
  bool few(const std::vector<std::int64_t>& patches) const {
    return pixels_.read_size == pixels_.patch_size && to_level0_ == std::floor(to_level0_) &&
           4 * std::ssize(patches) < per_side_ * per_side_;
  }

  image::RgbImage read_alone(Level0Point origin, std::int64_t patch) const {
    return slide_->read_region(corner(origin, patch), pixels_.level, {vit::kPatchPx, vit::kPatchPx});
  }

  void write_from_region(Level0Point origin, const std::vector<std::int64_t>& patches) {
    const std::int64_t held = 3 * pixels_.patch_size * pixels_.patch_size;
    const std::int64_t reading = pixels_.read_size == pixels_.patch_size
                                     ? held
                                     : held + 3 * pixels_.read_size * (pixels_.read_size + pixels_.patch_size);
    const Holding holding(budget_, reading);
    const image::RgbImage region = tiling::read_patch(*slide_, pixels_, origin);
    for (const std::int64_t patch : patches) {
      write(origin, patch,
            region.view().crop(static_cast<int>(column_px(patch)), static_cast<int>(row_px(patch)), vit::kPatchPx,
                               vit::kPatchPx));
    }
  }

  struct Holding {
    Holding(ByteBudget& from, std::int64_t count) : budget(from), bytes(count) { budget.take(bytes); }
    ~Holding() { budget.give(bytes); }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;
    ByteBudget& budget;
    std::int64_t bytes;
  };

  void write(Level0Point origin, std::int64_t patch, RgbView pixels) {
    pictures_.add(file_of(origin, patch), pixels, fingerprint_);
    ++counts_.written;
  }

  const PretrainingOptions& options_;
  cohort::PictureBatch pictures_;
  std::shared_ptr<const slide::Slide> slide_;
  const tiling::Coordinates& coordinates_;
  const tiling::PixelRule pixels_;
  ByteBudget& budget_;
  Counts& counts_;
  cohort::Fingerprint fingerprint_;
  std::int64_t per_side_ = 0;  // patches
  double to_level0_ = 1.0;     // level-0 px a px of the region
};

// The slides of each study's WSIs/ by their ids, listed once a study.
class SlideFiles {
 public:
  std::filesystem::path find(const StudySlide& slide) {
    const std::filesystem::path folder = cohort::study_slides(slide.study);
    auto [study, fresh] = by_study_.try_emplace(folder);
    if (fresh) {
      for (const cohort::SlideEntry& entry : cohort::slides_in_folder(folder, false).slides) {
        study->second.emplace(entry.id, entry.path);
      }
    }
    const auto found = study->second.find(slide.id);
    if (found == study->second.end()) {
      throw Error(ErrorCode::NotFound, fmt::format("{}: there is no slide {}", folder.string(), slide.id));
    }
    return found->second;
  }

 private:
  std::map<std::filesystem::path, std::map<std::string, std::filesystem::path>> by_study_;
};

void write_region_features(const PretrainingOptions& options, const StudySlide& slide, RunContext& context,
                           Counts& counts) {
  const FeatureRows rows = open_feature_rows(slide.source);
  if (rows.shape.size() != 3) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: holds {}, not regions [regions, patches, dim]",
                                                        slide.source.string(), to_string(rows.shape)));
  }
  // Features that others made carry nothing that could tell them apart.
  const cohort::Fingerprint made = recorded_fingerprint(slide.source).value_or(cohort::Fingerprint{});
  context.progress.begin(slide.name(), rows.shape[0], "regions");
  context.pool.parallel_for(
      static_cast<std::size_t>(rows.shape[0]),
      [&](std::size_t index) {
        const std::filesystem::path file = region_folder(options) / fmt::format("{}_{}.pt", slide.id, index + 1);
        if (all_present({file}, made)) {
          ++counts.present;
        } else {
          const Array row = rows.read(static_cast<std::int64_t>(index), 1);
          io::AtomicFile atomic(file);
          io::TorchTensorWriter writer(atomic.temporary_path(), DType::Float32, {rows.shape[1], rows.shape[2]},
                                       {{"hipt.json", made.json()}, {"hipt_version", std::string(version())}});
          writer.append({row.bytes(), row.byte_size()});
          writer.close();
          atomic.commit();
          ++counts.written;
        }
        context.progress.advance(1);
      },
      context.stop);
}

}  // namespace

PretrainingSummary write_pretraining_patches(const PretrainingOptions& options, RunContext& context) {
  check(options);
  io::remove_stale_temporaries(patch_folder(options));
  ByteBudget budget(kMostBytes);
  SlideFiles files;
  return for_each_slide(find_slides(options, "patches"), context, [&](const StudySlide& slide, Counts& counts) {
    const tiling::Coordinates coordinates = tiling::read_coordinates(slide.source);
    if (coordinates.points.empty()) return;
    PatchWriter writer(options, slide::open_slide(files.find(slide)), coordinates, budget, counts);
    const std::int64_t per_side = options.patch_size / vit::kPatchPx;
    const std::int64_t per_region = options.patches_per_region == 0
                                        ? per_side * per_side
                                        : std::min(options.patches_per_region, per_side * per_side);
    context.progress.begin(slide.name(), std::ssize(coordinates.points) * per_region, "patches");
    writer.write(context);
  });
}

PretrainingSummary write_pretraining_regions(const PretrainingOptions& options, RunContext& context) {
  check(options);
  io::remove_stale_temporaries(region_folder(options));
  const std::filesystem::path place = cohort::StudyFolder{}.patch_features("", ".pt").parent_path();
  return for_each_slide(find_slides(options, place), context, [&](const StudySlide& slide, Counts& counts) {
    write_region_features(options, slide, context, counts);
  });
}

}  // namespace hipt::encode
