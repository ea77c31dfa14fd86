#pragma once
// Tissue that the user brings (tissue_from): polygons drawn in QuPath or found by another program, or a mask picture.

#include <filesystem>

#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// The file that tissue_from means for this slide: itself, or <slide>.geojson or <slide>.png of the folder that it
// names. Throws NotFound when there is none, InvalidArgument when there are both or the name ends otherwise.
std::filesystem::path given_file(const slide::Slide& slide, const TissueOptions& options);

// Its contours; a_t, a_h and max_n_holes do not apply: the user's word counts.
// Polygons (.geojson, .json; io/geojson.h) are rounded to whole pixels of level 0, halves away from zero (exact ones
// beside: Contour::drawn); a MultiPolygon gives a contour a part. A mask (.png) of any size is stretched over the
// slide: what is not black is tissue, traced as a segmentation is. Throws as io::read_polygons and image::read_png do,
// InvalidArgument for tissue_class with a mask.
Tissue read_given(const slide::Slide& slide, const TissueOptions& options);

}  // namespace hipt::tissue
