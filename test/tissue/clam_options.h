#pragma once

#include <sstream>
#include <string>

#include "hipt/tissue/tissue.h"

#include "test/support/clam_oracle.h"

namespace hipt::test {

// The tissue options of a case: its preset, then what its process list says.
inline tissue::TissueOptions clam_tissue_options(const ClamCase& one) {
  tissue::TissueOptions options = tissue::preset(one.preset);
  const auto set = [&](const char* name, const auto& assign) {
    const auto found = one.settings.find(name);
    if (found != one.settings.end() && !found->second.empty()) assign(found->second);
  };
  const auto set_ids = [&](const char* name, std::vector<std::int64_t>& ids) {
    set(name, [&](const std::string& text) {
      std::istringstream numbers(text == "none" ? "" : text);
      for (std::string number; std::getline(numbers, number, ',');) ids.push_back(std::stoll(number));
    });
  };
  const auto set_integer = [&](const char* name, std::int64_t& value) {
    set(name, [&](const std::string& text) { value = std::stoll(text); });
  };
  const auto set_number = [&](const char* name, double& value) {
    set(name, [&](const std::string& text) { value = std::stod(text); });
  };
  set_integer("seg_level", options.seg_level);
  set_integer("sthresh", options.sthresh);
  set_integer("mthresh", options.mthresh);
  set_integer("close", options.close);
  set("use_otsu", [&](const std::string& text) { options.use_otsu = text == "True"; });
  set_ids("keep_ids", options.keep_ids);
  set_ids("exclude_ids", options.exclude_ids);
  set_number("a_t", options.a_t);
  set_number("a_h", options.a_h);
  set_integer("max_n_holes", options.max_n_holes);
  set_integer("vis_level", options.vis_level);
  set_integer("line_thickness", options.line_thickness);
  return options;
}

// The contours that the published script found.
inline tissue::Tissue clam_tissue(const ClamCase& one) {
  const auto ring = [](const std::vector<std::int64_t>& numbers) {
    tissue::Ring points;
    for (std::size_t i = 0; i < numbers.size(); i += 2) points.push_back({numbers[i], numbers[i + 1]});
    return points;
  };
  tissue::Tissue tissue;
  for (const ClamContour& contour : clam_contours(one.result.at("segmentation"))) {
    tissue.contours.push_back({ring(contour.outline), {}});
    for (const auto& hole : contour.holes) tissue.contours.back().holes.push_back(ring(hole));
  }
  return tissue;
}

}  // namespace hipt::test
