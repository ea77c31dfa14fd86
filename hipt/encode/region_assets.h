#pragma once
// `hipt encode IMAGE --as_region`: the published HIPT_4K on one picture (HIPT_4K/hipt_4k.py). No tissue step; centre
// crop.

#include <filesystem>

#include "hipt/base/run_context.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/encode/models.h"
#include "hipt/vit/region_encoder.h"

namespace hipt::encode {

// Reads a picture (PNG, JPEG, TIFF) or level 0 of a slide, and writes the asset dictionary to region_assets/<image>.h5
// and .pt: features_cls256 [n, 384], features_mean256 [1, 384], features_cls4k [1, 192], features_mean256_cls4k [1,
// 576].
vit::RegionFeatures encode_as_region(const std::filesystem::path& picture, const cohort::StudyFolder& folder,
                                     const Models& models, RunContext& context);

}  // namespace hipt::encode
