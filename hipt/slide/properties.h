#pragma once
// What the properties of a slide say in numbers.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hipt/slide/slide.h"

namespace hipt::slide {

using Properties = std::map<std::string, std::string>;

// The whole text as a positive finite number; nothing when it is anything else.
std::optional<double> positive_number(std::string_view text);

// Microns per pixel of level 0 by the list of properties that TRIDENT goes through (wsi/OpenSlideWSI.py): the scanners'
// own first, the TIFF resolution last. Unlike there, the value is not rounded to 4 digits.
std::optional<MicronsPerPixel> find_mpp(const Properties& properties);

}  // namespace hipt::slide
