#pragma once
// report.html as text. Internal to hipt/tiling.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hipt::tiling {

enum class Verdict { Fine, Look, Failed, Waiting };

// A picture of a slide: addresses relative to the page.
struct ReportPicture {
  std::string thumbnail;
  std::string full;
};

struct ReportSlide {
  std::string name;
  Verdict verdict = Verdict::Fine;
  std::vector<std::string> notes;  // what to look at
  std::optional<ReportPicture> mask;
  std::optional<ReportPicture> stitch;
  std::optional<std::int64_t> contours;
  std::optional<std::int64_t> patches;
  std::string scale;  // "0.499 um/px\n20x"
  // Parameters that are not the same for all slides.
  std::vector<std::pair<std::string, std::string>> parameters;
};

struct Report {
  std::vector<ReportSlide> slides;
  std::vector<std::pair<std::string, std::string>> common_parameters;
  std::optional<std::int64_t> median_patches;  // of the slides that have any
};

// A page of its own: style and script inside, no address but those of the pictures. All texts are escaped.
std::string report_page(const Report& report);

// A path below the page's folder as a URL: what is not a letter, digit or one of "-._~" is percent-encoded.
std::string url_of(const std::filesystem::path& relative);

}  // namespace hipt::tiling
