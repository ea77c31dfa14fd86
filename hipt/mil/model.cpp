#include "hipt/mil/model.h"

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/mil/network_torch.h"
#include "hipt/train/tensor_torch.h"

namespace hipt::mil {
namespace {

constexpr std::int64_t kMaxClasses = 1000;
constexpr std::int64_t kMaxWidth = 1 << 16;

ModelOptions checked(ModelOptions options) {
  const auto fail = [](std::string message) { throw Error(ErrorCode::InvalidArgument, std::move(message)); };
  if (options.type == ModelType::HiptGp) options.input_dim = kRegionVectorDim;
  const bool is_published_dsmil = options.type == ModelType::Dsmil && options.dsmil_deep_query;
  if (options.classes < (is_published_dsmil ? 1 : 2) || options.classes > kMaxClasses) {
    fail(fmt::format("{} classes: a model takes 2 to {}", options.classes, kMaxClasses));
  }
  if (options.input_dim < 1 || options.input_dim > kMaxWidth) {
    fail(fmt::format("instances of {} numbers: 1 to {} are possible", options.input_dim, kMaxWidth));
  }
  if (options.type == ModelType::HiptLgp && options.input_dim != kPatchVectorDim) {
    fail(fmt::format("hipt_lgp takes ViT-256's features of {} numbers, not {}", kPatchVectorDim, options.input_dim));
  }
  if (options.dropout < 0.0 || options.dropout >= 1.0) fail(fmt::format("dropout {}: 0 to below 1", options.dropout));
  if (options.instances_per_side < 1) fail(fmt::format("B {}: at least 1", options.instances_per_side));
  if (options.freeze_4k && options.type != ModelType::HiptLgp) {
    fail(fmt::format("freeze_4k: {} has no ViT-4096, hipt_lgp has", name_of(options.type)));
  }
  return options;
}

}  // namespace

Model::Model(const ModelOptions& options) : network_(make_network(checked(options))) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const ModelOptions& Model::options() const {
  return network_->options();
}

ModelOutput Model::predict(const Bag& bag) const {
  const at::NoGradGuard no_gradients;
  network_->parameters().set_training(false);
  return to_output(network_->forward(to_tensors(options(), bag)));
}

Bag Model::encode_regions(const Bag& bag) const {
  if (!options().freeze_4k) {
    throw Error(ErrorCode::InvalidArgument, "only a frozen ViT-4096 (hipt_lgp with freeze_4k) encodes once for all");
  }
  const at::NoGradGuard no_gradients;
  network_->parameters().set_training(false);
  Bag encoded;
  encoded.features = train::to_array(network_->encode_regions(to_tensors(options(), bag).features));
  return encoded;
}

std::int64_t Model::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [name, shape] : parameter_shapes()) count += element_count(shape);
  return count;
}

std::int64_t Model::trainable_count() const {
  std::int64_t count = 0;
  for (const at::Tensor& tensor : network_->parameters().trainable()) count += tensor.numel();
  return count;
}

io::ParameterShapes Model::parameter_shapes() const {
  return network_->parameters().shapes();
}

std::vector<std::pair<std::string, Array>> Model::state() const {
  std::vector<std::pair<std::string, Array>> state;
  for (const auto& entry : network_->parameters().entries())
    state.emplace_back(entry.name, train::to_array(entry.tensor));
  return state;
}

void Model::load(const io::StateDict& state) {
  network_->parameters().load(state);
}

void Model::load_vit_4k(const vit::Weights& weights) {
  if (options().type != ModelType::HiptLgp) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("pretrain_4k: {} has no ViT-4096, hipt_lgp has", name_of(options().type)));
  }
  io::StateDict state;
  for (const auto& [name, array] : weights.tensors) {
    state.tensors.emplace(name, std::shared_ptr<const Array>(std::shared_ptr<const Array>(), &array));  // not owned
  }
  network_->parameters().load(state, kVit4kPrefix);
}

void Model::save(const std::filesystem::path& file, std::vector<std::pair<std::string, std::string>> records) const {
  network_->parameters().save(file, std::move(records));
}

}  // namespace hipt::mil
