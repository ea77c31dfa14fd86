#include "hipt/subtype/prediction_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "hipt/bags/bag_files.h"
#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/geojson_measurements.h"
#include "hipt/io/hdf5.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFingerprint = "hipt_fingerprint";
constexpr std::int64_t kPatchesOfRegionSide = 16;
constexpr std::int64_t kPatchesOfRegion = kPatchesOfRegionSide * kPatchesOfRegionSide;

// What a model says of its instances, a row an instance.
struct InstanceNumbers {
  std::vector<std::string> names;  // "attention", "attention class 1", "logit class 0"
  Array values;                    // float32 [N, names]
};

Array transposed(const Array& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.dim(0));
  const auto columns = static_cast<std::size_t>(matrix.dim(1));
  Array turned = Array::of<float>({matrix.dim(1), matrix.dim(0)});
  const std::span<const float> from = matrix.as<float>();
  const std::span<float> to = turned.as_mutable<float>();
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) to[k * rows + i] = from[i * columns + k];
  }
  return turned;
}

// Attention as [N, maps]; dsmil has it so, the others turned.
Array by_instance(const Array& attention, mil::ModelType type) {
  return type == mil::ModelType::Dsmil ? attention.clone() : transposed(attention);
}

InstanceNumbers instance_numbers(const mil::ModelOutput& output, mil::ModelType type) {
  const bool has_attention = !output.attention.empty();
  if (!has_attention && output.instance_logits.empty()) return {};
  InstanceNumbers numbers{{}, has_attention ? by_instance(output.attention, type) : output.instance_logits.clone()};
  const std::string name = has_attention ? "attention" : "logit";
  for (std::int64_t k = 0; k < numbers.values.dim(1); ++k) {
    numbers.names.push_back(numbers.values.dim(1) == 1 ? name : fmt::format("{} class {}", name, k));
  }
  return numbers;
}

Places patches_of(const Places& regions) {
  Places patches{{}, regions.side / kPatchesOfRegionSide};
  for (const Level0Point& corner : regions.corners) {
    for (std::int64_t i = 0; i < kPatchesOfRegion; ++i) {
      patches.corners.push_back(
          {corner.x + i % kPatchesOfRegionSide * patches.side, corner.y + i / kPatchesOfRegionSide * patches.side});
    }
  }
  return patches;
}

void write_coordinates(io::Hdf5File& file, const Places& places) {
  Array corners = Array::of<std::int64_t>({std::ssize(places.corners), 2});
  const std::span<std::int64_t> to = corners.as_mutable<std::int64_t>();
  for (std::size_t i = 0; i < places.corners.size(); ++i) {
    to[2 * i] = places.corners[i].x;
    to[2 * i + 1] = places.corners[i].y;
  }
  file.write_dataset("coords", corners);
  if (places.side > 0) file.write_attributes("coords", {{"patch_size_level0", places.side}});
}

}  // namespace

std::optional<Places> places_of_instances(const fs::path& bag, std::int64_t instances, bool are_patches_of_regions) {
  const std::int64_t rows = are_patches_of_regions ? instances / kPatchesOfRegion : instances;
  const std::optional<Array> stored = bags::read_coordinates_of_bag(bag, rows);
  if (!stored) return std::nullopt;
  Places places{{}, bags::read_patch_side_of_bag(bag).value_or(0)};
  const std::span<const std::int64_t> corners = stored->as<std::int64_t>();
  for (std::size_t i = 0; i < corners.size(); i += 2) places.corners.push_back({corners[i], corners[i + 1]});
  if (!are_patches_of_regions) return places;
  if (places.side == 0) return std::nullopt;
  return patches_of(places);
}

fs::path prediction_file(const fs::path& save_dir, const std::string& slide_id) {
  return save_dir / "attention" / (slide_id + ".h5");
}

fs::path attention_outlines(const fs::path& save_dir, const std::string& slide_id) {
  return save_dir / "attention" / (slide_id + ".geojson");
}

void write_prediction(const fs::path& save_dir, const std::string& slide_id, mil::ModelType type,
                      const mil::ModelOutput& output, const std::optional<Places>& places,
                      const cohort::Fingerprint& fingerprint, const cohort::StillOurs& still_ours) {
  const InstanceNumbers numbers = instance_numbers(output, type);
  if (places && !numbers.names.empty()) {
    const std::string text =
        io::measurements_text(places->corners, places->side, numbers.names, numbers.values, fingerprint.json());
    cohort::require_ours(still_ours);
    io::write_text_file(attention_outlines(save_dir, slide_id), text);
  }
  io::AtomicFile file(prediction_file(save_dir, slide_id));
  io::Hdf5File out = io::Hdf5File::create(file.temporary_path());
  out.write_attributes("/", {{kFingerprint, fingerprint.json()}, {"prediction", output.prediction}});
  out.write_dataset("probabilities", output.probabilities.clone().reshaped({output.probabilities.dim(1)}));
  if (!output.attention.empty()) out.write_dataset("attention", by_instance(output.attention, type));
  if (!output.attention_scores.empty()) {
    out.write_dataset("attention_scores", transposed(output.attention_scores));
  }
  if (!output.instance_logits.empty()) out.write_dataset("instance_logits", output.instance_logits);
  if (places) write_coordinates(out, *places);
  out.close();
  cohort::commit_if_ours(file, still_ours);
}

std::optional<RecordedPrediction> read_prediction(const fs::path& save_dir, const std::string& slide_id) {
  const fs::path h5 = prediction_file(save_dir, slide_id);
  std::error_code ignored;
  if (!fs::exists(h5, ignored)) return std::nullopt;
  const io::Hdf5File file = io::Hdf5File::open(h5);
  const io::Attributes attributes = file.read_attributes("/");
  RecordedPrediction recorded;
  if (const auto text = io::find_attribute<std::string>(attributes, kFingerprint)) {
    recorded.fingerprint = cohort::Fingerprint::parse(*text);
  }
  recorded.prediction = io::find_attribute<std::int64_t>(attributes, "prediction").value_or(-1);
  if (file.has_dataset("probabilities")) {
    const Array probabilities = file.read_dataset("probabilities").to_float32();
    recorded.probabilities.assign(probabilities.as<float>().begin(), probabilities.as<float>().end());
  }
  return recorded;
}

}  // namespace hipt::subtype
