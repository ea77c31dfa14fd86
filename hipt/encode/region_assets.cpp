#include "hipt/encode/region_assets.h"

#include <fmt/format.h>

#include "hipt/base/version.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"
#include "hipt/slide/slide.h"

namespace hipt::encode {
namespace {

constexpr std::int64_t kMostPixels = std::int64_t{1} << 30;  // 3 GiB of RGB

image::RgbImage read_whole(const slide::Slide& slide) {
  const Size size = slide.size();
  if (size.width > kMostPixels / size.height) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{} x {} pixels are too many for one region; encode the slide as regions instead, "
                            "e.g. --patch_size 4096 without --as_region",
                            size.width, size.height));
  }
  return slide.read_region({0, 0}, 0, size);
}

}  // namespace

vit::RegionFeatures encode_as_region(const std::filesystem::path& picture, const cohort::StudyFolder& folder,
                                     const Models& models, RunContext& context) {
  const auto slide = slide::open_slide(picture);
  vit::RegionFeatures features = with_context(picture.string(), [&] {
    const image::RgbImage region = read_whole(*slide);
    return vit::encode_region(*models.vit256, *models.vit4k, region.view(), context);
  });
  cohort::Fingerprint fingerprint;
  fingerprint.add(models.patch_encoder->identity());
  fingerprint.add(models.region_identity);
  fingerprint.set("grid", fmt::format("{} x {} patches of 256 px, centre crop", features.rows, features.cols));

  const std::vector<std::pair<std::string, const Array*>> assets = {
      {"features_cls256", &features.cls256},
      {"features_mean256", &features.mean256},
      {"features_cls4k", &features.cls4k},
      {"features_mean256_cls4k", &features.mean256_cls4k}};
  io::AtomicFile pt(folder.region_assets(slide->id(), ".pt"));
  io::write_torch_tensors(pt.temporary_path(), assets,
                          {{"hipt.json", fingerprint.json()}, {"hipt_version", std::string(version())}});
  io::AtomicFile h5(folder.region_assets(slide->id(), ".h5"));
  io::Hdf5File file = io::Hdf5File::create(h5.temporary_path());
  for (const auto& [name, values] : assets) file.write_dataset(name, *values);
  file.write_attributes("/", {{"hipt_fingerprint", fingerprint.json()}, {"hipt_version", std::string(version())}});
  file.close();
  pt.commit();
  h5.commit();
  return features;
}

}  // namespace hipt::encode
