#include "hipt/encode/models.h"

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/encode/resnet_patch_encoder.h"
#include "hipt/encode/vit_patch_encoder.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/weight_files.h"
#include "hipt/vit/weights.h"

namespace hipt::encode {
namespace {

vit::ViTConfig config_of(const std::string& name_or_file, std::string_view flag) {
  if (!name_or_file.ends_with(".json")) {
    return with_context(fmt::format("--{}", flag), [&] { return vit::named_config(name_or_file); });
  }
  return with_context(name_or_file, [&] { return vit::config_from_json(io::read_text_file(name_or_file)); });
}

std::shared_ptr<const vit::Weights> weights_of(const std::string& argument, const std::string& published_name,
                                               std::string_view flag, const vit::ViTConfig& config) {
  return vit::weights_from(argument.empty() ? io::find_weights(published_name, flag) : argument, config);
}

void add_resnet(const EncodeOptions& options, std::size_t threads, Models& models) {
  const auto weights =
      resnet::weights_from(options.weights_resnet.empty() ? io::find_weights("resnet50-19c8e357.pth", "weights_resnet")
                                                          : options.weights_resnet);
  models.patch_encoder = make_resnet_patch_encoder(resnet::make_cpu_engine(weights), *weights, threads);
  models.random_weights = io::formula_salt(options.weights_resnet).has_value();
}

// Each lets go of its weights, once they are packed, before the next are read.
void add_vit256(const EncodeOptions& options, std::size_t threads, Models& models) {
  const vit::ViTConfig config = config_of(options.model_config256, "model_config256");
  const auto weights = weights_of(options.weights256, "vit256_small_dino.pth", "weights256", config);
  models.vit256 = vit::make_cpu_engine(weights, options.precision);
  models.patch_encoder = make_vit_patch_encoder(models.vit256, *weights, options.precision, threads);
  models.random_weights = io::formula_salt(options.weights256).has_value();
}

void add_vit4k(const EncodeOptions& options, Models& models) {
  const vit::ViTConfig config = config_of(options.model_config4k, "model_config4k");
  const vit::ViTConfig& config256 = models.vit256->config();
  if (config.source != vit::TokenSource::Features || config.input_dim != config256.dim) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{} reads features of width {}, but {} gives {}", config.name,
                                                        config.input_dim, config256.name, config256.dim));
  }
  const auto weights = weights_of(options.weights4k, "vit4k_xs_dino.pth", "weights4k", config);
  models.vit4k = vit::make_cpu_engine(weights);
  models.region_identity = vit_identity(*weights, vit::Precision::Float32, "vit4k");
  models.random_weights = models.random_weights || io::formula_salt(options.weights4k).has_value();
}

}  // namespace

Models load_models(const EncodeOptions& options, bool regions, std::size_t threads) {
  Models models;
  if (options.model == PatchModel::Resnet50Trunc) {
    if (regions) {
      throw Error(ErrorCode::InvalidArgument,
                  "--model resnet50_trunc encodes single patches; regions and slides have HIPT's models alone "
                  "(--model vit256)");
    }
    if (options.precision != vit::Precision::Float32) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("--precision {}: --model resnet50_trunc runs in f32 alone; leave --precision out",
                              name_of(options.precision)));
    }
    add_resnet(options, threads, models);
    return models;
  }
  vit::require_instructions(options.precision);  // before weights are read
  add_vit256(options, threads, models);
  if (regions) add_vit4k(options, models);
  return models;
}

}  // namespace hipt::encode
