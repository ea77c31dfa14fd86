#include "hipt/subtype/cohort_data.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/bags/bag_files.h"
#include "hipt/base/error.h"
#include "hipt/base/text.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPatchesOfRegion = 256;

bool is_of_regions(BagMode mode) {
  return mode == BagMode::Pyramid || mode == BagMode::Region;
}

fs::path find_table(const DataOptions& options, const bags::Task& task) {
  if (!options.csv_path.empty()) return options.csv_path;
  std::vector<std::string> places;
  for (const fs::path& folder : {fs::path(), fs::path(options.data_root_dir)}) {
    for (const std::string_view extension : {".csv.zip", ".csv"}) {
      const fs::path file = folder / "dataset_csv" / fmt::format("{}_subset{}", cohort_name(task), extension);
      std::error_code ignored;
      if (fs::is_regular_file(file, ignored)) return file;
      places.push_back(file.string());
    }
  }
  throw Error(ErrorCode::NotFound,
              fmt::format("no table of slides and labels: {} is not there; name it with --csv_path FILE",
                          fmt::join(places, " nor ")));
}

bags::BagPlaces places_of(const DataOptions& options, const CohortData& data) {
  bags::BagPlaces places{.bags = options.bags, .data_root_dir = options.data_root_dir, .studies = {}, .group = {}};
  places.studies = options.study.empty() ? data.task.studies : parts_between_commas(options.study);
  std::erase(places.studies, "");
  const std::string cohort = cohort_name(data.task);
  if (options.study.empty() && std::ranges::find(places.studies, cohort) == places.studies.end()) {
    places.studies.push_back(cohort);  // lung and kidney in one folder, as the published program has them
  }
  places.group = cohort;
  places.patch_size = is_of_regions(data.mode) ? 4096 : 256;
  places.features = data.mode == BagMode::Region ? "vit4k_xs_dino_pt_region_features"
                                                 : fmt::format("{}_pt_patch_features", options.features);
  return places;
}

// A tenth of each class, one slide at least.
void keep_a_tenth(bags::Dataset& dataset) {
  std::vector<std::int64_t> room(static_cast<std::size_t>(dataset.classes), 0);
  for (const bags::DatasetSlide& slide : dataset.slides) ++room[static_cast<std::size_t>(slide.label)];
  for (std::int64_t& count : room) count = std::max<std::int64_t>(count / 10, std::min<std::int64_t>(count, 3));
  std::erase_if(dataset.slides,
                [&](const bags::DatasetSlide& slide) { return --room[static_cast<std::size_t>(slide.label)] < 0; });
}

void drop_slides_without_bag(CohortData& data, RunContext& context) {
  std::vector<bags::DatasetSlide> slides;
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < data.bag_files.size(); ++i) {
    if (data.bag_files[i].empty()) continue;
    slides.push_back(std::move(data.dataset.slides[i]));
    files.push_back(std::move(data.bag_files[i]));
  }
  const auto missing = std::ssize(data.bag_files) - std::ssize(files);
  if (missing > 0) {
    context.log.write(LogLevel::Warning,
                      fmt::format("{} of {} slides have no bag and are left out", missing, data.bag_files.size()));
  }
  data.dataset.slides = std::move(slides);
  data.bag_files = std::move(files);
}

Array as_instances(Array features, BagMode mode) {
  if (features.rank() != 3 || is_of_regions(mode)) return features;
  const Shape shape = features.shape();
  return std::move(features).reshaped({shape[0] * shape[1], shape[2]});
}

std::string expected_shape(BagMode mode) {
  switch (mode) {
    case BagMode::Pyramid:
      return "regions [M, 256, D], as `hipt encode --patch_size 4096` writes them";
    case BagMode::Region:
      return "vectors of regions [M, 192], as `hipt encode --patch_size 4096` writes them";
    default:
      return "patches [N, D]";
  }
}

void check_rank(const Array& features, BagMode mode, const fs::path& file) {
  const bool fits =
      mode == BagMode::Pyramid ? features.rank() == 3 && features.dim(1) == kPatchesOfRegion : features.rank() == 2;
  if (fits) return;
  throw Error(ErrorCode::InvalidArgument, fmt::format("{}: holds {}; the model takes {}", file.string(),
                                                      to_string(features.shape()), expected_shape(mode)));
}

}  // namespace

std::string cohort_name(const bags::Task& task) {
  const std::size_t end = task.name.rfind("_subtype");
  return task.name.substr(0, end);
}

std::vector<std::string> class_names(const bags::Task& task) {
  std::vector<std::string> names(static_cast<std::size_t>(task.classes()));
  for (const auto& [value, label] : task.classes_of_values) {
    std::string& name = names[static_cast<std::size_t>(label)];
    name += (name.empty() ? "" : "+") + value;
  }
  return names;
}

CohortData find_cohort(const SubtypeOptions& options, RunContext& context) {
  CohortData data;
  data.task = bags::find_task(options.data.task);
  data.mode = mode_of(options.model.type);
  const fs::path table = find_table(options.data, data.task);
  data.dataset = bags::read_dataset(table, data.task);
  if (data.dataset.left_out > 0) {
    context.log.write(LogLevel::Info, fmt::format("{}: {} left out, whose {} is no class of {}", table.string(),
                                                  counted(data.dataset.left_out, "slide", "slides"),
                                                  data.task.label_column, data.task.name));
  }
  if (options.folds.testing) keep_a_tenth(data.dataset);
  data.bag_files =
      bags::find_bags(data.dataset, places_of(options.data, data), options.data.allow_missing || options.folds.testing);
  drop_slides_without_bag(data, context);

  data.bag_ids.resize(data.bag_files.size());
  context.pool.parallel_for(
      data.bag_files.size(), [&](std::size_t i) { data.bag_ids[i] = bags::identity_of_bag(data.bag_files[i]); },
      context.stop);

  const Array first = as_instances(bags::read_bag(data.bag_files.front()), data.mode);
  check_rank(first, data.mode, data.bag_files.front());
  data.input_dim = first.shape().back();
  if (options.data.path_input_dim != 0 && options.data.path_input_dim != data.input_dim) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("--path_input_dim {}: {} holds {}", options.data.path_input_dim,
                                                        data.bag_files.front().string(), to_string(first.shape())));
  }
  return data;
}

mil::Bag load_bag(const CohortData& data, std::size_t slide) {
  const fs::path& file = data.bag_files.at(slide);
  mil::Bag bag;
  bag.features = as_instances(bags::read_bag(file), data.mode);
  check_rank(bag.features, data.mode, file);
  if (bag.features.shape().back() != data.input_dim) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: holds {}; other bags have instances of {} numbers", file.string(),
                            to_string(bag.features.shape()), data.input_dim));
  }
  return bag;
}

}  // namespace hipt::subtype
