#include "hipt/bags/bag_files.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
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

// Beside a bag's own .h5: where its program and CLAM's leave the corners of its patches.
std::vector<fs::path> coordinate_files(const fs::path& bag) {
  const fs::path folder = bag.parent_path();
  fs::path name = bag.filename();
  name.replace_extension(".h5");
  return {folder / name, folder.parent_path() / "h5_files" / name, folder.parent_path() / "patches" / name};
}

// Far beyond any slide, and small enough for the square of a distance.
constexpr std::int64_t kLargestCoordinate = std::int64_t{1} << 30;

Array corners_of(const fs::path& file, const Array& stored, std::int64_t instances) {
  if (stored.shape() != Shape{instances, 2}) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: coords are {}, and the bag has {} instances", file.string(),
                                                to_string(stored.shape()), instances));
  }
  Array corners = Array::of<std::int64_t>({instances, 2});
  const std::span<std::int64_t> to = corners.as_mutable<std::int64_t>();
  if (stored.dtype() == DType::Int64) {
    std::ranges::copy(stored.as<std::int64_t>(), to.begin());
  } else if (stored.dtype() == DType::Int32) {
    std::ranges::copy(stored.as<std::int32_t>(), to.begin());
  } else {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: coords are {}, expected integers", file.string(), to_string(stored.dtype())));
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] >= -kLargestCoordinate && to[i] <= kLargestCoordinate) continue;
    throw Error(ErrorCode::Corrupt, fmt::format("{}: coords: row {} is no place of a slide", file.string(), i / 2));
  }
  return corners;
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

std::vector<BagFile> bags_in(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  std::error_code failure;
  BagPlaces places;
  places.bags = folder;
  for (const fs::path& place : bag_folders(places)) {
    std::map<std::string, fs::path> here;
    for (const fs::directory_entry& entry : fs::directory_iterator(place, failure)) {
      const fs::path& file = entry.path();
      const bool pt = file.extension() == ".pt";
      std::error_code ignored;
      if ((!pt && file.extension() != ".h5") || !entry.is_regular_file(ignored)) continue;
      const std::string name = file.stem().string();
      if (name.starts_with(".") || name == kClusterCentres) continue;
      if (pt) {
        here[name] = file;
      } else {
        here.try_emplace(name, file);
      }
    }
    files.merge(here);
  }
  if (files.empty()) {
    throw Error(ErrorCode::NotFound,
                fmt::format("{}: neither it nor its pt_files/ or h5_files/ has a .pt or .h5 bag", folder.string()));
  }
  std::vector<BagFile> bags;
  for (auto& [slide_id, file] : files) bags.push_back({slide_id, file});
  return bags;
}

std::optional<Array> read_coordinates_of_bag(const fs::path& bag, std::int64_t instances) {
  std::error_code ignored;
  for (const fs::path& file : coordinate_files(bag)) {
    if (!fs::is_regular_file(file, ignored)) continue;
    const io::Hdf5File h5 = io::Hdf5File::open(file);
    if (h5.has_dataset("coords")) return corners_of(file, h5.read_dataset("coords"), instances);
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_patch_side_of_bag(const fs::path& bag) {
  std::error_code ignored;
  for (const fs::path& file : coordinate_files(bag)) {
    if (!fs::is_regular_file(file, ignored)) continue;
    const io::Hdf5File h5 = io::Hdf5File::open(file);
    if (!h5.has_dataset("coords")) continue;
    const io::Attributes attributes = h5.read_attributes("coords");
    std::optional<double> side;
    if (const auto level0 = io::find_attribute<std::int64_t>(attributes, "patch_size_level0")) {
      side = static_cast<double>(*level0);
    } else if (const auto of_level = io::find_attribute<std::int64_t>(attributes, "patch_size")) {
      const auto downsample = io::find_attribute<std::vector<double>>(attributes, "downsample");
      if (downsample && !downsample->empty()) side = static_cast<double>(*of_level) * downsample->front();
    }
    if (side && *side >= 1 && *side <= static_cast<double>(kLargestCoordinate)) return std::llround(*side);
  }
  return std::nullopt;
}

std::string identity_of_bag(const fs::path& bag) {
  const std::optional<std::string> recorded =
      bag.extension() == ".pt"
          ? io::read_torch_record(bag, "hipt.json")
          : io::find_attribute<std::string>(io::Hdf5File::open(bag).read_attributes("/"), "hipt_fingerprint");
  return recorded ? *recorded : sha256_hex_of_file(bag);
}

}  // namespace hipt::bags
