#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/mil/network_torch.h"
#include "hipt/train/tensor_torch.h"

namespace hipt::mil {
namespace {

constexpr std::int64_t kPatchesOfRegion = 256;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::InvalidArgument, "bag: " + message);
}

void check_shape(const ModelOptions& options, const Array& features) {
  const std::int64_t dim = options.input_dim;
  const bool takes_regions = options.type == ModelType::HiptLgp || options.type == ModelType::HiptN;
  const Shape& shape = features.shape();
  const bool is_encoded = options.freeze_4k && shape.size() == 2 && shape[1] == kRegionVectorDim;
  const bool fits = takes_regions ? shape.size() == 3 && shape[1] == kPatchesOfRegion && shape[2] == dim
                                  : shape.size() == 2 && shape[1] == dim;
  if (!fits && !is_encoded) {
    refuse(fmt::format("features {}: {} takes [{}, {}]", to_string(shape), name_of(options.type),
                       takes_regions ? fmt::format("regions, {}", kPatchesOfRegion) : std::string("instances"), dim));
  }
  if (shape[0] == 0) refuse("has no instances");
  if (features.dtype() != DType::Float32)
    refuse(fmt::format("features are {}, not float32", to_string(features.dtype())));
}

at::Tensor index_tensor(const std::vector<std::int64_t>& values, std::int64_t bound, std::string_view what) {
  for (const std::int64_t value : values) {
    if (value < 0 || value >= bound) refuse(fmt::format("{} {}: 0 to {} are possible", what, value, bound - 1));
  }
  return at::tensor(values, at::TensorOptions(at::kLong));
}

}  // namespace

at::Tensor Network::encode_regions(const at::Tensor&) const {
  throw Error(ErrorCode::Internal, "a model without ViT-4096 encodes no regions");
}

Widths widths(const ModelOptions& options) {
  if (options.input_dim == kPatchVectorDim) return {384, 256};
  return {512, options.size == ModelSize::Small ? 256 : 384};
}

at::Tensor pool(const at::Tensor& scores, const at::Tensor& instances, NetworkOutput& output) {
  output.attention_scores = scores;
  output.attention = at::softmax(scores, 1);
  return at::matmul(output.attention, instances);
}

BagTensors to_tensors(const ModelOptions& options, const Bag& bag) {
  check_shape(options, bag.features);
  BagTensors tensors;
  tensors.features = train::to_tensor(bag.features);
  if (!at::isfinite(tensors.features).all().item<bool>()) refuse("features hold NaN or infinite numbers");
  const std::int64_t count = tensors.features.size(0);
  if (options.type == ModelType::MiFcn) {
    if (std::ssize(bag.clusters) != count) {
      refuse(fmt::format("{} clusters for {} patches: mi_fcn needs one for each", bag.clusters.size(), count));
    }
    tensors.clusters = index_tensor(bag.clusters, kClusters, "cluster");
  }
  if (options.type == ModelType::Dgcn) {
    if (bag.edges.empty() && count > 1) refuse("has no edges: dgcn needs a graph over the patches");
    std::vector<std::int64_t> sources, targets;
    for (const Edge& edge : bag.edges) {
      sources.push_back(edge.source);
      targets.push_back(edge.target);
    }
    tensors.sources = index_tensor(sources, count, "edge from patch");
    tensors.targets = index_tensor(targets, count, "edge to patch");
  }
  return tensors;
}

ModelOutput to_output(const NetworkOutput& output) {
  const at::Tensor logits = output.logits.detach();
  const auto array = [](const at::Tensor& tensor) { return tensor.defined() ? train::to_array(tensor) : Array(); };
  return {.logits = train::to_array(logits),
          .probabilities = train::to_array(logits.size(1) == 1 ? at::sigmoid(logits) : at::softmax(logits, 1)),
          .prediction = logits.argmax(1).item<std::int64_t>(),
          .attention = array(output.attention),
          .attention_scores = array(output.attention_scores),
          .instance_logits = array(output.instance_logits),
          .region_vectors = array(output.region_vectors),
          .region_context = array(output.region_context)};
}

std::unique_ptr<Network> make_network(const ModelOptions& options) {
  switch (options.type) {
    case ModelType::Mil:
      return make_mil(options);
    case ModelType::ClamSb:
    case ModelType::ClamMb:
      return make_clam(options);
    case ModelType::Dsmil:
      return make_dsmil(options);
    case ModelType::MiFcn:
      return make_mi_fcn(options);
    case ModelType::Dgcn:
      return make_dgcn(options);
    case ModelType::Amil:
      return make_amil(options);
    case ModelType::DeepSet:
      return make_deep_set(options);
    case ModelType::HiptN:
      return make_hipt_n(options);
    case ModelType::HiptGp:
    case ModelType::HiptLgp:
      return make_hipt_lgp(options);
  }
  throw Error(ErrorCode::Internal, "a model type without a model");
}

}  // namespace hipt::mil
