#include "hipt/tissue/study.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/sha256.h"
#include "hipt/base/text.h"
#include "hipt/cohort/process_list.h"
#include "hipt/io/geojson.h"
#include "hipt/slide/whole_level.h"
#include "hipt/tissue/given.h"
#include "hipt/tissue/pictures.h"

namespace hipt::tissue {
namespace {

constexpr std::string_view kContours = "hipt_contours";
constexpr std::string_view kReason = "hipt_reason";
constexpr std::string_view kContoursHash = "hipt_contours_sha256";  // of contours_geojson/<slide>.geojson

cohort::Fingerprint mask_fingerprint(const slide::Slide& slide, const TissueOptions& options) {
  cohort::Fingerprint fingerprint = segmentation_fingerprint(slide, options);
  const int level = resolve_level(slide, options.vis_level, "vis_level");
  fingerprint.set("vis_level", fmt::format("{}", level));
  const std::int64_t reduction = slide::whole_level(slide, level).reduction;
  if (reduction > 1) fingerprint.set("vis_reduction", fmt::format("{}", reduction));
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

// Whether tissue_from names this very file, which the user edited in place.
bool is_given(const std::filesystem::path& file, const slide::Slide& slide, const TissueOptions& options) {
  std::error_code ignored;
  return !options.tissue_from.empty() && std::filesystem::equivalent(file, given_file(slide, options), ignored);
}

// The pictures that the options ask for beside the mask.
std::vector<std::filesystem::path> pictures_beside(const TissueOptions& options, const cohort::StudyFolder& folder,
                                                   const std::string& id) {
  std::vector<std::filesystem::path> pictures;
  if (options.number_contours) pictures.push_back(folder.numbered_contours(id));
  const bool removes = options.remove_penmarks || options.remove_blur || options.remove_black;
  if (removes && options.tissue_from.empty()) pictures.push_back(folder.artifacts(id));
  return pictures;
}

// A mask stands for the contours that it was drawn from; edited ones are not passed over in silence.
void require_unedited(const cohort::StudyFolder& folder, const std::string& id, const std::string& hash) {
  const std::filesystem::path contours = folder.contours(id);
  if (sha256_hex_of_file(contours) == hash) return;
  throw Error(
      ErrorCode::InvalidArgument,
      fmt::format("{0}: is not what {1} was drawn from, so it was edited; --tissue_from {2} --no_auto_skip goes "
                  "on with the edited contours, --no_auto_skip alone makes them anew",
                  contours.string(), folder.mask(id).string(), contours.parent_path().string()));
}

std::string python_bool(bool value) {
  return value ? "True" : "False";
}

}  // namespace

std::optional<StudyTissue> find_tissue(const slide::Slide& slide, const TissueOptions& options,
                                       const cohort::StudyFolder& folder) {
  const std::string id = slide.id();
  const auto text = cohort::text_of_equal_picture(folder.mask(id), mask_fingerprint(slide, options));
  std::error_code ignored;
  if (!text || !std::filesystem::exists(folder.contours(id), ignored)) return std::nullopt;
  StudyTissue tissue;
  std::string hash;
  for (const auto& [keyword, value] : *text) {
    if (keyword == kContours) std::from_chars(value.data(), value.data() + value.size(), tissue.contours);
    if (keyword == kReason) tissue.reason = value;
    if (keyword == kContoursHash) hash = value;
  }
  require_unedited(folder, id, hash);
  const cohort::Fingerprint segmentation = segmentation_fingerprint(slide, options);
  for (const std::filesystem::path& picture : pictures_beside(options, folder, id)) {
    if (!cohort::text_of_equal_picture(picture, segmentation)) return std::nullopt;
  }
  return tissue;
}

void write_tissue(const slide::Slide& slide, const Tissue& tissue, const TissueOptions& options,
                  const cohort::StudyFolder& folder, const cohort::StillOurs& still_ours) {
  const std::string id = slide.id();
  const cohort::Fingerprint segmentation = segmentation_fingerprint(slide, options);
  if (options.number_contours) {
    cohort::write_picture(folder.numbered_contours(id), draw_numbered_contours(slide, tissue).view(), segmentation, {},
                          still_ours);
  }
  if (tissue.artifacts) {
    cohort::write_picture(folder.artifacts(id), draw_artifacts(*tissue.artifacts).view(), segmentation, {}, still_ours);
  }
  cohort::require_ours(still_ours);
  if (!is_given(folder.contours(id), slide, options)) io::write_polygons(folder.contours(id), polygons_of(tissue));

  image::TextChunks text = {{std::string(kContours), fmt::format("{}", tissue.contours.size())},
                            {std::string(kContoursHash), sha256_hex_of_file(folder.contours(id))}};
  if (tissue.contours.empty()) text.emplace_back(kReason, reason_of(tissue, options));
  cohort::write_picture(folder.mask(id), draw_mask(slide, tissue, options).view(), mask_fingerprint(slide, options),
                        text, still_ours);
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
  outcome.summary = counted(there->contours, "contour", "contours");
  return outcome;
}

std::vector<std::pair<std::string, std::string>> process_list_columns(const slide::Slide& slide,
                                                                      const TissueOptions& options) {
  const auto whole = [](std::int64_t value) { return fmt::format("{}", value); };
  const auto ids = [](const std::vector<std::int64_t>& list) {
    return list.empty() ? std::string("none") : fmt::format("{}", fmt::join(list, ","));
  };
  return {
      {"seg_level", whole(resolve_level(slide, options.seg_level, "seg_level"))},
      {"sthresh", whole(options.sthresh)},
      {"mthresh", whole(options.mthresh)},
      {"close", whole(options.close)},
      {"use_otsu", python_bool(options.use_otsu)},
      {"keep_ids", ids(options.keep_ids)},
      {"exclude_ids", ids(options.exclude_ids)},
      {"a_t", cohort::python_number(options.a_t)},
      {"a_h", cohort::python_number(options.a_h)},
      {"max_n_holes", whole(options.max_n_holes)},
      {"vis_level", whole(resolve_level(slide, options.vis_level, "vis_level"))},
      {"line_thickness", whole(options.line_thickness)},
  };
}

}  // namespace hipt::tissue
