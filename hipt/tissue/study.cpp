#include "hipt/tissue/study.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "hipt/io/geojson.h"

namespace hipt::tissue {
namespace {

constexpr std::string_view kContours = "hipt_contours";
constexpr std::string_view kReason = "hipt_reason";

cohort::Fingerprint mask_fingerprint(const slide::Slide& slide, const TissueOptions& options) {
  cohort::Fingerprint fingerprint = segmentation_fingerprint(slide, options);
  fingerprint.set("vis_level", fmt::format("{}", resolve_level(slide, options.vis_level, "vis_level")));
  fingerprint.set("line_thickness", fmt::format("{}", options.line_thickness));
  return fingerprint;
}

std::string reason_of(const Tissue& tissue, const TissueOptions& options) {
  return tissue.contours.empty() ? explain_no_tissue(tissue, options) : "";
}

std::vector<io::GeoPolygon> polygons_of(const Tissue& tissue) {
  std::vector<io::GeoPolygon> polygons;
  for (const Contour& contour : tissue.contours) {
    polygons.push_back({contour.outline, contour.holes, std::ssize(polygons)});
  }
  return polygons;
}

// Python's str(float): 100.0, 0.25.
std::string python_number(double value) {
  return value == std::floor(value) && std::abs(value) < 1e16 ? fmt::format("{:.1f}", value) : fmt::format("{}", value);
}

std::string python_bool(bool value) {
  return value ? "True" : "False";
}

}  // namespace

std::optional<StudyTissue> find_tissue(const slide::Slide& slide, const TissueOptions& options,
                                       const cohort::StudyFolder& folder) {
  const auto text = cohort::text_of_equal_picture(folder.mask(slide.id()), mask_fingerprint(slide, options));
  std::error_code ignored;
  if (!text || !std::filesystem::exists(folder.contours(slide.id()), ignored)) return std::nullopt;
  StudyTissue tissue;
  for (const auto& [keyword, value] : *text) {
    if (keyword == kContours) std::from_chars(value.data(), value.data() + value.size(), tissue.contours);
    if (keyword == kReason) tissue.reason = value;
  }
  return tissue;
}

void write_tissue(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options,
                  const cohort::StudyFolder& folder, const cohort::StillOurs& still_ours) {
  cohort::require_ours(still_ours);
  io::write_polygons(folder.contours(slide.id()), polygons_of(tissue));

  image::TextChunks text = {{std::string(kContours), fmt::format("{}", tissue.contours.size())}};
  if (tissue.contours.empty()) text.emplace_back(kReason, reason_of(tissue, options));
  cohort::write_picture(folder.mask(slide.id()), draw_mask(slide, tissue, options).view(),
                        mask_fingerprint(slide, options), text, still_ours);
}

cohort::Outcome tissue_of_slide(const slide::Slide& slide, const TissueOptions& options,
                                const cohort::StudyFolder& folder, bool auto_skip,
                                const cohort::StillOurs& still_ours) {
  cohort::Outcome outcome;
  outcome.slide_id = slide.path().filename().string();
  std::optional<StudyTissue> there;
  if (auto_skip) there = find_tissue(slide, options, folder);
  if (there) {
    outcome.status = cohort::Status::AlreadyExist;
  } else {
    const Tissue tissue = segment(slide, options);
    write_tissue(slide, tissue, options, folder, still_ours);
    there = {std::ssize(tissue.contours), reason_of(tissue, options)};
  }
  outcome.reason = there->reason;
  outcome.columns = process_list_columns(slide, options);
  outcome.columns.emplace_back("n_contours", fmt::format("{}", there->contours));
  outcome.summary = fmt::format("{} contour{}", there->contours, there->contours == 1 ? "" : "s");
  return outcome;
}

std::vector<std::pair<std::string, std::string>> process_list_columns(const slide::Slide& slide,
                                                                      const TissueOptions& options) {
  const auto whole = [](std::int64_t value) { return fmt::format("{}", value); };
  return {
      {"seg_level", whole(resolve_level(slide, options.seg_level, "seg_level"))},
      {"sthresh", whole(options.sthresh)},
      {"mthresh", whole(options.mthresh)},
      {"close", whole(options.close)},
      {"use_otsu", python_bool(options.use_otsu)},
      {"keep_ids", "none"},
      {"exclude_ids", "none"},
      {"a_t", python_number(options.a_t)},
      {"a_h", python_number(options.a_h)},
      {"max_n_holes", whole(options.max_n_holes)},
      {"vis_level", whole(resolve_level(slide, options.vis_level, "vis_level"))},
      {"line_thickness", whole(options.line_thickness)},
  };
}

}  // namespace hipt::tissue
