#include "hipt/slide/properties.h"

#include <cmath>

#include "hipt/base/text.h"

namespace hipt::slide {
namespace {

constexpr double kMicronsPerCentimeter = 10000.0;
constexpr double kMicronsPerInch = 25400.0;

std::optional<double> number_at(const Properties& properties, const std::string& name) {
  const auto found = properties.find(name);
  return found == properties.end() ? std::nullopt : positive_number(found->second);
}

}  // namespace

std::optional<double> positive_number(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return std::nullopt;
  text = text.substr(start, text.find_last_not_of(kBlank) - start + 1);
  const std::optional<double> value = parse_number<double>(text);
  return value && std::isfinite(*value) && *value > 0.0 ? value : std::nullopt;
}

std::optional<MicronsPerPixel> find_mpp(const Properties& properties) {
  for (const char* name :
       {"openslide.mpp-x", "openslide.mirax.MPP", "aperio.MPP", "hamamatsu.XResolution", "openslide.comment"}) {
    if (const auto value = number_at(properties, name)) return MicronsPerPixel{*value, name};
  }
  const auto pixels_per_unit = number_at(properties, "tiff.XResolution");
  const auto unit = properties.find("tiff.ResolutionUnit");
  if (pixels_per_unit && unit != properties.end()) {
    if (unit->second == "centimeter")
      return MicronsPerPixel{kMicronsPerCentimeter / *pixels_per_unit, "tiff.XResolution"};
    if (unit->second == "inch") return MicronsPerPixel{kMicronsPerInch / *pixels_per_unit, "tiff.XResolution"};
  }
  return std::nullopt;
}

}  // namespace hipt::slide
