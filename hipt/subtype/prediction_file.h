#pragma once
// What `hipt subtype --predict` leaves of one slide: attention/<slide_id>.h5 and .geojson.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/cohort/output.h"
#include "hipt/mil/model.h"

namespace hipt::subtype {

// The corners of a model's instances and their side in pixels of level 0, 0 where the files do not tell it.
struct Places {
  std::vector<Level0Point> corners;
  std::int64_t side = 0;
};

// Of `instances` patches or regions of a bag; nothing where no file has them. Patches that came in regions
// ([M, 256, D]) lie in them row by row; nothing where the regions' size is not known.
std::optional<Places> places_of_instances(const std::filesystem::path& bag, std::int64_t instances,
                                          bool are_patches_of_regions);

std::filesystem::path prediction_file(const std::filesystem::path& save_dir, const std::string& slide_id);
std::filesystem::path attention_outlines(const std::filesystem::path& save_dir, const std::string& slide_id);

// The .geojson where places are known and the model has numbers of instances, then the .h5, whose presence says that
// the slide is done.
void write_prediction(const std::filesystem::path& save_dir, const std::string& slide_id, mil::ModelType type,
                      const mil::ModelOutput& output, const std::optional<Places>& places,
                      const cohort::Fingerprint& fingerprint, const cohort::StillOurs& still_ours);

// What an .h5 of ours says of its slide; nothing when there is none. Throws Corrupt.
struct RecordedPrediction {
  std::optional<cohort::Fingerprint> fingerprint;
  std::int64_t prediction = 0;
  std::vector<float> probabilities;
};
std::optional<RecordedPrediction> read_prediction(const std::filesystem::path& save_dir, const std::string& slide_id);

}  // namespace hipt::subtype
