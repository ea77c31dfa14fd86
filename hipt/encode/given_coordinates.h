#pragma once
// Coordinates that the user brings (--coords_dir): made by CLAM, TRIDENT or another run of hipt.

#include "hipt/encode/options.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/study.h"

namespace hipt::encode {

// As tiling::tile_slide gives them, without tissue, from the slide's file in options.coords_dir: <slide>.h5,
// <slide>_patches.h5 (TRIDENT), or one of these in its folder patches/. What is read is the file's rule; `patch_size`
// is what it is resampled to. Throws InvalidArgument when that enlarges pixels or reduces them more than fourfold
// (regions taken for patches), when the slide has no such level or several such files; NotFound naming the places;
// Corrupt as the reader does.
tiling::TileResult given_coordinates(const slide::Slide& slide, const EncodeOptions& options, std::int64_t patch_size);

// Throws InvalidArgument when the coordinates in the study's own folder were made by another program: it says how to
// use them and how to replace them.
void refuse_foreign_coordinates(const std::filesystem::path& file);

}  // namespace hipt::encode
