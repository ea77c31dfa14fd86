#pragma once
// One picture a slide: what was found, what was cut and what the features say.

#include <filesystem>

#include "hipt/cohort/output.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/tiling.h"
#include "hipt/tissue/tissue.h"

namespace hipt::encode {

// Two panels side by side, PNG: the slide's thumbnail with tissue outlines (green), holes (blue) and the borders of the
// patches or regions; the same with every 256-px patch painted by the first three principal components of its features
// as red, green and blue. `features`: the .pt or .h5 of patch features that belongs to `coordinates`.
void write_overview(const std::filesystem::path& file, const slide::Slide& slide, const tissue::Tissue& tissue,
                    const tiling::Coordinates& coordinates, const std::filesystem::path& features,
                    const cohort::Fingerprint& fingerprint, const cohort::StillOurs& still_ours);

}  // namespace hipt::encode
