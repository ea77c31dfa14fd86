#pragma once
// HIPT_4K: a region of any size to the published asset dictionary (CVPR 2022, section 3.2; HIPT_4K/hipt_4k.py).

#include "hipt/base/array.h"
#include "hipt/base/rgb_view.h"
#include "hipt/base/run_context.h"
#include "hipt/vit/engine.h"

namespace hipt::vit {

inline constexpr int kPatchPx = 256;  // side of a ViT-4096 token

struct RegionFeatures {
  std::int64_t rows = 0;  // patches
  std::int64_t cols = 0;
  Array cls256;         // [rows * cols, 384], row by row
  Array mean256;        // [1, 384]
  Array cls4k;          // [1, 192]
  Array mean256_cls4k;  // [1, 576], the two above side by side
};

// Offset of torchvision's CenterCrop on one axis: (size - cropped) / 2, halves to even.
std::int64_t center_crop_offset(std::int64_t size, std::int64_t cropped);
// The centre of the region whose sides are multiples of 256. Throws InvalidArgument when a side is below 256.
RgbView center_crop(RgbView region);

// Crop, patches row by row through `vit256` (spread over the context's pool), grid through `vit4k`.
RegionFeatures encode_region(const Engine& vit256, const Engine& vit4k, RgbView region, RunContext& context);

}  // namespace hipt::vit
