#pragma once
// The cases of the oracle's clam/ (what the published CLAM script wrote): all of ../shared/oracle where it is there,
// else the selection in test/golden/clam, which has the same files.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hipt/base/array.h"

namespace hipt::test {

// One slide of one case.
struct ClamCase {
  std::string id;  // "cmu-default-256", "multi-three:odd-levels"
  std::string preset = "default";
  std::map<std::string, std::string> settings;  // what the process list says for the slide: {"a_t", "0.05"}
  std::int64_t patch_size = 0;
  std::int64_t step_size = 0;
  std::int64_t patch_level = 0;
  bool only_segmented = false;   // the script was told to segment, or stopped after it
  std::string process_list_row;  // of process_list_autogen.csv
  nlohmann::json result;         // as in the oracle's README
};

// Cases of a slide ("mosaic-20x.svs") that were segmented with parameters that hipt has.
std::vector<ClamCase> clam_cases(const std::string& slide_file);

// An array of coords.npz, segmentations.npz or binary-masks.npz.
const Array& clam_array(const std::string& npz, const std::string& key);

// Contours of a case in level-0 pixels: outline and holes as [N, 2] points, flattened.
struct ClamContour {
  std::vector<std::int64_t> outline;
  std::vector<std::vector<std::int64_t>> holes;
};
std::vector<ClamContour> clam_contours(const std::string& key);

// The slide's file: the demo slide, or one of the shared data. Nothing when absent.
std::optional<std::filesystem::path> clam_slide(const std::string& slide_file);

}  // namespace hipt::test
