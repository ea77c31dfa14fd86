#include "hipt/tiling/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "hipt/base/text.h"
#include "hipt/cohort/outcome.h"
#include "hipt/cohort/summary_lock.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/png.h"
#include "hipt/image/resample.h"
#include "hipt/io/byte_file.h"
#include "hipt/tiling/report_page.h"

namespace hipt::tiling {
namespace {

// Twice what the page shows, for screens of high density.
constexpr int kThumbnailWidth = 320;
constexpr int kThumbnailHeight = 240;
constexpr int kThumbnailQuality = 80;
// Fewer than this part of the study's median is few.
constexpr std::int64_t kFewPart = 20;

// Columns of an outcome that are shown by themselves, not among the parameters.
constexpr std::string_view kShownAlone[] = {"slide_mpp", "slide_mpp_from", "slide_magnification", "n_contours",
                                            "n_patches"};

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

std::filesystem::path picture_of(const cohort::StudyFolder& folder, const std::string& id, const std::string& kind) {
  return kind == "mask" ? folder.mask(id) : folder.stitch(id);
}

// Inside kThumbnailWidth x kThumbnailHeight, never enlarged.
image::RgbImage thumbnail_of(RgbView picture) {
  const double scale = std::min({1.0, static_cast<double>(kThumbnailWidth) / picture.width,
                                 static_cast<double>(kThumbnailHeight) / picture.height});
  const auto side = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * scale))); };
  return image::resample(picture, side(picture.width), side(picture.height), image::Filter::Bilinear);
}

// What made the picture, and how it was made small: what the thumbnail's comment says.
std::string mark_of(const std::filesystem::path& picture) {
  std::string mark =
      fmt::format("thumbnail {}x{} quality {} of ", kThumbnailWidth, kThumbnailHeight, kThumbnailQuality);
  for (const auto& [keyword, value] : image::read_png_text(picture)) {
    if (keyword == "hipt_fingerprint") mark += value;
  }
  return mark.substr(0, image::kMaxJpegComment);
}

// Whether the thumbnail is there and of the picture with this mark; a damaged one is not.
bool is_current(const std::filesystem::path& thumbnail, const std::string& mark) {
  try {
    return is_there(thumbnail) && image::read_jpeg_comment(thumbnail) == mark;
  } catch (const Error&) {
    return false;
  }
}

void write_thumbnail(const std::filesystem::path& picture, const std::filesystem::path& thumbnail,
                     const cohort::StillOurs& still_ours) {
  if (!is_there(picture)) {
    std::error_code ignored;
    std::filesystem::remove(thumbnail, ignored);  // of a picture that is no more
    return;
  }
  const std::string mark = mark_of(picture);
  if (is_current(thumbnail, mark)) return;
  const image::RgbImage small = thumbnail_of(image::read_png(picture).view());
  io::AtomicFile file(thumbnail);
  io::ByteWriter writer(file.temporary_path());
  writer.write(image::encode_jpeg(small.view(), kThumbnailQuality, mark));
  writer.close();
  cohort::commit_if_ours(file, still_ours);
}

// The report is about the outputs: a picture that cannot be read costs its thumbnail alone.
void try_thumbnail(const std::string& id, const std::string& kind, const cohort::StudyFolder& folder,
                   const cohort::StillOurs& still_ours) {
  try {
    write_thumbnail(picture_of(folder, id, kind), folder.report_thumbnail(id, kind), still_ours);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Io || error.code() == ErrorCode::Cancelled) throw;
  }
}

std::optional<std::string> column(const cohort::Outcome& outcome, std::string_view name) {
  const auto place = std::ranges::find_if(outcome.columns, [&](const auto& cell) { return cell.first == name; });
  return place == outcome.columns.end() ? std::nullopt : std::optional(place->second);
}

std::optional<std::int64_t> whole_column(const cohort::Outcome& outcome, std::string_view name) {
  const std::optional<std::string> text = column(outcome, name);
  return text ? parse_number<std::int64_t>(*text) : std::nullopt;
}

std::optional<std::int64_t> median_of(std::vector<std::int64_t> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What a reader should know about the slide's pixels.
std::vector<std::string> notes_about_pixels(const cohort::Outcome& outcome) {
  std::vector<std::string> notes;
  const std::optional<std::string> mpp = column(outcome, "slide_mpp");
  if (mpp && mpp->empty()) {
    notes.push_back(column(outcome, "slide_magnification").value_or("").empty()
                        ? "The slide does not say how large its pixels are: neither microns per pixel nor objective."
                        : "The slide does not say its microns per pixel, only its objective.");
  } else if (column(outcome, "slide_mpp_from") == "tiff.XResolution") {
    notes.push_back("Microns per pixel are guessed from the TIFF's resolution: check them.");
  }
  const auto read = whole_column(outcome, "read_size");
  const auto target = whole_column(outcome, "patch_pixels");
  if (read && target && *target > *read) {
    notes.push_back(
        fmt::format("Patches are enlarged from {} to {} px: the slide has no pixels this fine.", *read, *target));
  }
  return notes;
}

std::string scale_of(const cohort::Outcome& outcome) {
  const std::string mpp = column(outcome, "slide_mpp").value_or("");
  const std::string magnification = column(outcome, "slide_magnification").value_or("");
  std::string scale;
  if (!mpp.empty()) scale += fmt::format("{} \u00b5m/px", mpp);
  if (!magnification.empty()) scale += fmt::format("{}{}\u00d7", scale.empty() ? "" : "\n", magnification);
  return scale.empty() ? "-" : scale;
}

// Without the slide's path in front, which stands beside it.
std::string reason_of(const cohort::Outcome& outcome) {
  const std::string name = outcome.slide_id + ": ";
  const std::size_t at = outcome.reason.find(name);
  const bool in_front = at != std::string::npos && (at == 0 || outcome.reason[at - 1] == '/') &&
                        outcome.reason.find(": ") == at + outcome.slide_id.size();
  return in_front ? outcome.reason.substr(at + name.size()) : outcome.reason;
}

class Reporter {
 public:
  Reporter(const cohort::StudyFolder& folder, const std::vector<cohort::Outcome>& outcomes)
      : folder_(folder), outcomes_(outcomes) {
    std::vector<std::int64_t> patches;
    for (const cohort::Outcome& outcome : outcomes) {
      const std::optional<std::int64_t> count = whole_column(outcome, "n_patches");
      if (outcome.status != cohort::Status::Failed && count && *count > 0) patches.push_back(*count);
    }
    report_.median_patches = median_of(std::move(patches));
    find_common_parameters();
  }

  Report make() {
    for (const cohort::Outcome& outcome : outcomes_) report_.slides.push_back(slide_of(outcome));
    return std::move(report_);
  }

 private:
  // Parameters that every slide which has them has alike.
  void find_common_parameters() {
    std::map<std::string, std::string> first;
    for (const cohort::Outcome& outcome : outcomes_) {
      for (const auto& [name, value] : outcome.columns) {
        const auto [known, is_new] = first.emplace(name, value);
        if (is_new) {
          report_.common_parameters.emplace_back(name, value);
        } else if (known->second != value) {
          differing_.insert(name);
        }
      }
    }
    std::erase_if(report_.common_parameters, [&](const auto& parameter) {
      return differing_.contains(parameter.first) ||
             std::ranges::find(kShownAlone, parameter.first) != std::end(kShownAlone);
    });
    for (const std::string_view name : kShownAlone) differing_.erase(std::string(name));
  }

  std::optional<ReportPicture> picture(const std::string& id, const std::string& kind) const {
    if (!is_there(folder_.report_thumbnail(id, kind))) return std::nullopt;
    const auto url = [&](const std::filesystem::path& file) { return url_of(file.lexically_relative(folder_.root)); };
    return ReportPicture{url(folder_.report_thumbnail(id, kind)), url(picture_of(folder_, id, kind))};
  }

  ReportSlide slide_of(const cohort::Outcome& outcome) const {
    const std::string& id = outcome.id;
    ReportSlide slide;
    slide.name = outcome.slide_id;
    slide.mask = picture(id, "mask");
    slide.stitch = picture(id, "stitch");
    slide.contours = whole_column(outcome, "n_contours");
    slide.patches = whole_column(outcome, "n_patches");
    slide.scale = scale_of(outcome);
    if (!outcome.reason.empty()) slide.notes.push_back(reason_of(outcome));
    if (outcome.status == cohort::Status::Failed) {
      slide.verdict = Verdict::Failed;
      return slide;
    }
    add_notes(outcome, slide);
    for (const auto& [name, value] : outcome.columns) {
      if (differing_.contains(name)) slide.parameters.emplace_back(name, value);
    }
    if (outcome.status == cohort::Status::ToBeProcessed) {
      slide.verdict = Verdict::Waiting;
    } else if (!slide.notes.empty()) {
      slide.verdict = Verdict::Look;
    }
    return slide;
  }

  void add_notes(const cohort::Outcome& outcome, ReportSlide& slide) const {
    if (slide.patches && *slide.patches > 0 && report_.median_patches &&
        *slide.patches * kFewPart < *report_.median_patches) {
      slide.notes.push_back(fmt::format("Few patches: the study's median is {}.", *report_.median_patches));
    }
    for (std::string& note : notes_about_pixels(outcome)) slide.notes.push_back(std::move(note));
  }

  const cohort::StudyFolder& folder_;
  const std::vector<cohort::Outcome>& outcomes_;
  std::set<std::string> differing_;
  Report report_;
};

}  // namespace

void write_report_thumbnails(const std::string& id, const cohort::StudyFolder& folder,
                             const cohort::StillOurs& still_ours) {
  for (const char* const kind : {"mask", "stitch"}) try_thumbnail(id, kind, folder, still_ours);
}

void write_report(const cohort::StudyFolder& folder, RunContext& context) {
  const cohort::SummaryLock lock(folder, folder.report());
  const std::vector<cohort::Outcome> outcomes = cohort::recorded_outcomes(folder);
  context.pool.parallel_for(
      outcomes.size(),
      [&](std::size_t index) {
        const std::string& id = outcomes[index].id;
        for (const char* const kind : {"mask", "stitch"}) {
          if (!is_there(folder.report_thumbnail(id, kind))) try_thumbnail(id, kind, folder, {});
        }
      },
      context.stop);
  io::write_text_file(folder.report(), report_page(Reporter(folder, outcomes).make()));
}

}  // namespace hipt::tiling
