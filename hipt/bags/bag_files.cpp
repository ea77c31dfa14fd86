#include "hipt/bags/bag_files.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"

namespace hipt::bags {
namespace {

namespace fs = std::filesystem;

Array numbers_of(const fs::path& file) {
  if (file.extension() != ".pt") return io::Hdf5File::open(file).read_dataset("features").to_float32();
  const io::TorchValue value = io::read_torch_file(file);
  const Array* const tensor = value.tensor();
  if (tensor == nullptr) throw Error(ErrorCode::Corrupt, fmt::format("{}: holds no tensor", file.string()));
  return tensor->to_float32();
}

fs::path bag_of(const std::string& slide_id, const std::vector<fs::path>& folders) {
  std::error_code ignored;
  for (const fs::path& folder : folders) {
    for (const std::string_view extension : {".pt", ".h5"}) {
      fs::path file = folder / (slide_id + std::string(extension));
      if (fs::is_regular_file(file, ignored)) return file;
    }
  }
  return {};
}

}  // namespace

std::vector<fs::path> bag_folders(const BagPlaces& places) {
  std::vector<fs::path> folders;
  if (!places.bags.empty()) folders = {places.bags, places.bags / "pt_files", places.bags / "h5_files"};
  if (places.data_root_dir.empty()) return folders;
  for (const std::string& study : places.studies) {
    folders.push_back(places.data_root_dir / study / fmt::format("extracted_mag20x_patch{}_fp", places.patch_size) /
                      places.features);
  }
  if (!places.group.empty()) {
    const fs::path published = places.data_root_dir / (places.group + "_20x_features");
    folders.insert(folders.end(), {published / "pt_files", published / "h5_files"});
  }
  return folders;
}

std::vector<fs::path> find_bags(const Dataset& dataset, const BagPlaces& places, bool allow_missing) {
  const std::vector<fs::path> folders = bag_folders(places);
  std::vector<fs::path> files;
  std::string missing;
  std::size_t missing_count = 0;
  for (const DatasetSlide& slide : dataset.slides) {
    files.push_back(bag_of(slide.slide_id, folders));
    if (!files.back().empty()) continue;
    ++missing_count;
    missing += "\n  " + slide.slide_id;
  }
  if (missing_count == 0 || (allow_missing && missing_count < files.size())) return files;
  std::string looked;
  for (const fs::path& folder : folders) looked += "\n  " + folder.string();
  throw Error(ErrorCode::NotFound,
              fmt::format("{} of {} slides have no bag (--allow_missing drops them):{}\nlooked in:{}", missing_count,
                          files.size(), missing, looked));
}

Array read_bag(const fs::path& file) {
  Array bag = numbers_of(file);
  if ((bag.rank() != 2 && bag.rank() != 3) || bag.empty()) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: {} is no bag: expected [instances, dim] or [regions, patches, dim], one row at least",
                            file.string(), to_string(bag.shape())));
  }
  const std::span<const float> values = bag.as<float>();
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    const auto row =
        static_cast<std::size_t>(bad - values.begin()) / (values.size() / static_cast<std::size_t>(bag.dim(0)));
    throw Error(ErrorCode::Corrupt, fmt::format("{}: row {} holds a value that is not finite", file.string(), row));
  }
  return bag;
}

}  // namespace hipt::bags
