#pragma once
// The pictures that the oracle's encoders were run on.

#include <optional>
#include <string>
#include <string_view>

#include "hipt/image/image.h"

namespace hipt::test {

inline constexpr std::string_view kSalt = "gold1";  // of the oracle's formula weights and pictures

// A picture of vit256/pixels.json or a region of hipt4k/pixels.json (folder "vit256" or "hipt4k"), its SHA-256 checked.
// Nothing, after a printed skip, when its data is absent.
std::optional<image::RgbImage> oracle_picture(std::string_view folder, const std::string& name);

}  // namespace hipt::test
