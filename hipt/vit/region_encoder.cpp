#include "hipt/vit/region_encoder.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::vit {
namespace {

Array mean_of_rows(const Array& features) {
  const std::int64_t rows = features.dim(0);
  const std::int64_t dim = features.dim(1);
  std::vector<double> sum(static_cast<std::size_t>(dim));
  const float* row = features.as<float>().data();
  for (std::int64_t r = 0; r < rows; ++r, row += dim) {
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += double{row[d]};
  }
  Array mean = Array::of<float>({1, dim});
  std::transform(sum.begin(), sum.end(), mean.as_mutable<float>().begin(),
                 [rows](double value) { return static_cast<float>(value / static_cast<double>(rows)); });
  return mean;
}

Array side_by_side(const Array& left, const Array& right) {
  Array result = Array::of<float>({1, left.dim(1) + right.dim(1)});
  float* out = std::copy_n(left.as<float>().data(), left.size(), result.as_mutable<float>().data());
  std::copy_n(right.as<float>().data(), right.size(), out);
  return result;
}

}  // namespace

std::int64_t center_crop_offset(std::int64_t size, std::int64_t cropped) {
  const std::int64_t twice = size - cropped;
  const std::int64_t half = twice / 2;
  return half + (twice % 2 != 0 && half % 2 != 0 ? 1 : 0);
}

RgbView center_crop(RgbView region) {
  if (region.width < kPatchPx || region.height < kPatchPx) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("a region of {} x {} px holds no patch of {} x {} px",
                                                        region.width, region.height, kPatchPx, kPatchPx));
  }
  const int width = region.width / kPatchPx * kPatchPx;
  const int height = region.height / kPatchPx * kPatchPx;
  return region.crop(static_cast<int>(center_crop_offset(region.width, width)),
                     static_cast<int>(center_crop_offset(region.height, height)), width, height);
}

RegionFeatures encode_region(const Engine& vit256, const Engine& vit4k, RgbView region, RunContext& context) {
  if (vit4k.config().input_dim != vit256.config().dim) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{} takes features of {} numbers, {} makes {}", vit4k.config().name,
                            vit4k.config().input_dim, vit256.config().name, vit256.config().dim));
  }
  const RgbView cropped = center_crop(region);
  RegionFeatures result;
  result.rows = cropped.height / kPatchPx;
  result.cols = cropped.width / kPatchPx;
  const std::int64_t patches = result.rows * result.cols;
  const std::int64_t dim = vit256.config().dim;

  result.cls256 = Array::of<float>({patches, dim});
  const std::span<float> features = result.cls256.as_mutable<float>();
  context.pool.parallel_for(
      static_cast<std::size_t>(patches),
      [&](std::size_t index) {
        const int row = static_cast<int>(static_cast<std::int64_t>(index) / result.cols);
        const int col = static_cast<int>(static_cast<std::int64_t>(index) % result.cols);
        const RgbView patch = cropped.crop(col * kPatchPx, row * kPatchPx, kPatchPx, kPatchPx);
        vit256.encode({&patch, 1},
                      features.subspan(index * static_cast<std::size_t>(dim), static_cast<std::size_t>(dim)));
      },
      context.stop);

  result.mean256 = mean_of_rows(result.cls256);
  result.cls4k = Array::of<float>({1, vit4k.config().dim});
  vit4k.encode_grid(features, result.rows, result.cols, result.cls4k.as_mutable<float>());
  result.mean256_cls4k = side_by_side(result.mean256, result.cls4k);
  return result;
}

}  // namespace hipt::vit
