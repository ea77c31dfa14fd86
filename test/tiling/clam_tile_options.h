#pragma once

#include "hipt/tiling/tiling.h"

#include "test/tissue/clam_options.h"

namespace hipt::test {

// The grid of a case: patch_level as the published script has it.
inline tiling::TileOptions clam_tile_options(const ClamCase& one) {
  tiling::TileOptions options;
  options.patch_size = one.patch_size;
  options.step_size = one.step_size;
  options.patch_level = one.patch_level;
  const auto padding = one.settings.find("use_padding");
  if (padding != one.settings.end() && padding->second == "False") options.use_padding = false;
  const auto test = one.settings.find("contour_fn");
  for (const auto& [value, name] : enum_names(tiling::ContourTest{})) {
    if (test != one.settings.end() && test->second == name) options.contour_fn = value;
  }
  return options;
}

}  // namespace hipt::test
