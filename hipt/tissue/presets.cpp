#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/tissue/tissue.h"

namespace hipt::tissue {
namespace {

// CLAM's script defaults and its presets/*.csv: only what they change is named.
TissueOptions make(std::string_view name) {
  TissueOptions options;
  options.preset = name;
  if (name == "bwh_biopsy") {
    options.sthresh = 15;
    options.mthresh = 11;
    options.close = 2;
    options.a_t = 1;
    options.a_h = 1;
    options.max_n_holes = 2;
    options.line_thickness = 50;
  } else if (name == "bwh_resection") {
    options.sthresh = 15;
    options.mthresh = 11;
    options.line_thickness = 150;
  } else if (name == "tcga") {
    options.a_t = 16;
    options.a_h = 4;
    options.line_thickness = 100;
  }
  return options;
}

constexpr std::array<std::string_view, 4> kPresets = {"default", "bwh_biopsy", "bwh_resection", "tcga"};

// The preset with the largest a_t that keeps an area (in 512-px squares); empty when none does.
std::string_view preset_that_keeps(double area) {
  std::string_view best;
  double best_area = -1;
  for (const std::string_view name : kPresets) {
    const double least = make(name).a_t;
    if (least < area && least > best_area) {
      best = name;
      best_area = least;
    }
  }
  return best;
}

// A round number below `area`, as a user would type it.
double a_t_below(double area) {
  double step = 1000;
  while (step > 1e-6 && area < 2 * step) step /= 10;
  return std::max(0.0, step * (std::ceil(area / step) - 1));
}

}  // namespace

TissueOptions preset(std::string_view name) {
  if (std::ranges::find(kPresets, name) == kPresets.end()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--preset {}: the presets are {}", name, fmt::join(kPresets, ", ")));
  }
  return make(name);
}

std::string explain_no_tissue(const Tissue& tissue, const TissueOptions& options) {
  if (!tissue.left_out.empty()) {
    return fmt::format("no tissue: --keep_ids and --exclude_ids leave none of the {} contours found",
                       tissue.left_out.size());
  }
  if (!tissue.nothing_given.empty()) return "no tissue: " + tissue.nothing_given;
  if (tissue.dropped_areas.empty() && options.sthresh_up == 0) {
    return "no tissue: --sthresh_up 0 says that nothing is";
  }
  if (tissue.dropped_areas.empty()) {
    return fmt::format("no tissue: nothing on level {}{} is more saturated than {}{}; try a lower --sthresh or {}",
                       tissue.seg_level,
                       tissue.reduction == 1 ? "" : fmt::format(", seen {} times reduced,", tissue.reduction),
                       tissue.threshold, tissue.artifacts ? " and none of what --remove_... drops" : "",
                       options.use_otsu ? "a --sthresh without --use_otsu" : "--use_otsu");
  }
  const double largest = tissue.dropped_areas.front();
  const std::string_view keeps = preset_that_keeps(largest);
  const std::string a_t = fmt::format("--a_t {:.6g}", a_t_below(largest));
  return fmt::format(
      "no tissue: the largest of {} areas found is {:.3g} squares of 512 px, and a_t keeps those above {:.6g}; {} "
      "keeps it",
      tissue.dropped_areas.size(), largest, options.a_t,
      keeps.empty() ? a_t : fmt::format("--preset {} (a_t {:.6g}) or {}", keeps, make(keeps).a_t, a_t));
}

}  // namespace hipt::tissue
