#pragma once
// Options of the main job. One description, as for every verb (hipt/base/options.h).

#include <cstdint>
#include <span>
#include <string>

#include "hipt/base/options.h"
#include "hipt/vit/precision.h"

namespace hipt::encode {

// What encodes patches.
enum class PatchModel { Vit256, Resnet50Trunc };
inline std::span<const EnumName<PatchModel>> enum_names(PatchModel) {
  static constexpr EnumName<PatchModel> kNames[] = {{PatchModel::Vit256, "vit256"},
                                                    {PatchModel::Resnet50Trunc, "resnet50_trunc"}};
  return kNames;
}

enum class FeatureFormat { Pt, H5, Both };
inline std::span<const EnumName<FeatureFormat>> enum_names(FeatureFormat) {
  static constexpr EnumName<FeatureFormat> kNames[] = {
      {FeatureFormat::Pt, "pt"}, {FeatureFormat::H5, "h5"}, {FeatureFormat::Both, "both"}};
  return kNames;
}

enum class Device { Auto, Cpu };
inline std::span<const EnumName<Device>> enum_names(Device) {
  static constexpr EnumName<Device> kNames[] = {{Device::Auto, "auto"}, {Device::Cpu, "cpu"}};
  return kNames;
}

struct EncodeOptions {
  PatchModel model = PatchModel::Vit256;
  std::string weights256;  // file or random:SALT; "": looked for (io::find_weights)
  std::string weights4k;
  std::string weights_resnet;
  std::string model_config256 = "vit_small";  // name of a configuration, or a JSON file
  std::string model_config4k = "vit4k_xs";
  Device device = Device::Auto;
  vit::Precision precision = vit::Precision::Float32;  // of ViT-256
  FeatureFormat format = FeatureFormat::Both;
  // >= 1: patches are resized to this before they are encoded, as CLAM's extract_features_fp.py does (Pillow's bilinear
  // with antialiasing); -1: encoded as they are.
  std::int64_t target_patch_size = -1;
  std::string coords_dir;  // coordinates that another run or program made; "": by tissue and grid
  bool overview = false;   // one picture a slide
};

template <class Visitor>
void describe(EncodeOptions& o, Visitor& v) {
  v(o.model, {.name = "model", .help = "encoder of patches", .affects = Affects::HowItRuns});
  v(o.weights256,
    {.name = "weights256", .help = "ViT-256: .pth, .safetensors or random:SALT", .also = "model256_path"});
  v(o.weights4k, {.name = "weights4k", .help = "ViT-4096, for regions: as above", .also = "model4k_path"});
  v(o.weights_resnet, {.name = "weights_resnet", .help = "ResNet-50 (torchvision, ImageNet): as above"});
  v(o.model_config256, {.name = "model_config256", .help = "vit_tiny, vit_small, vit_base or a JSON file"});
  v(o.model_config4k, {.name = "model_config4k", .help = "vit4k_xs or a JSON file"});
  v(o.device, {.name = "device", .help = "where the models run", .affects = Affects::HowItRuns});
  v(o.precision, {.name = "precision",
                  .help = "of ViT-256's products: bf16 and int8 need AVX-512 BF16 and VNNI, or AMX (`hipt doctor` "
                          "tells); ViT-4096 and ResNet-50 stay f32"});
  v(o.target_patch_size, {.name = "target_patch_size",
                          .unit = "px",
                          .help = "patches are resized to this before they are encoded, as CLAM does; -1: as they are",
                          .min = -1,
                          .max = 4096});
  v(o.coords_dir, {.name = "coords_dir",
                   .help = "use the coordinates of <slide>.h5, <slide>_patches.h5 or patches/ there (CLAM, TRIDENT, "
                           "hipt) instead of finding tissue; --patch_size is what they are resampled to",
                   .affects = Affects::HowItRuns});
  v(o.format, {.name = "format", .help = "files of features", .affects = Affects::HowItRuns});
  v(o.overview, {.name = "overview",
                 .help = "one picture a slide: contours, patches, features as colours",
                 .affects = Affects::HowItRuns});
}

}  // namespace hipt::encode
