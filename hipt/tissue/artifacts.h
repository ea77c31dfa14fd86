#pragma once
// What is no tissue though it is coloured: pen, nearly black places, what is out of focus. On request only; each by a
// well-known method at a resolution of its own, so that the segmentation's level does not change what is found. Where a
// slide says no microns per pixel, 10 / objective is taken, else 0.5.
//
// Pen:   blue and green ink by what the stains cannot do (Ruifrok and Johnston 2001, "Quantification of histochemical
//        staining by color deconvolution"): it takes more red than green from the light. Red ink by the thresholds of
//        deep-histopath's filter_red_pen (IBM 2018; also in histolab). At 8 um a pixel; spots under 0.01 mm2 stay, the
//        ink's soft rim of 2 px goes with it. Ink over dark tissue looks like tissue and stays.
// Black: R, G and B below 50, CLAM's black_thresh, at 8 um a pixel, with the same least area and rim: black ink, folds,
//        the rim of a cover slip, JPEG noise on places that were not scanned.
// Blur:  variance of the Laplacian (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy") of the
//        tissue's grey values at 2 um a pixel, in windows of 160 um every 32 um; below 100 it is out of focus. In-focus
//        H&E has 3,000 to 20,000, blurred by a Gaussian of 2 um 100 to 650, of 4 um 6 to 50.

#include "hipt/tissue/tissue.h"

namespace hipt::tissue {

// The artifacts of a segmentation picture with the downsample `scale`: its reduction to 8 um a pixel (never enlarged)
// with pen and black marked, as the options ask.
Artifacts find_ink(const slide::Slide& slide, RgbView picture, Downsample scale, const TissueOptions& options);

// Marks what is out of focus where `tissue` (a binary picture of the whole slide) is set. Reads the slide at 2 um a
// pixel there. Throws Unsupported for a slide coarser than that.
void add_blur(const slide::Slide& slide, const Plane& tissue, Artifacts& artifacts);

// Sets `plane`, of any size and of the whole slide, to 0 where `artifacts` has one of the kinds.
void erase(Plane& plane, const Artifacts& artifacts);

}  // namespace hipt::tissue
