#pragma once
// What stands behind Model: one class for each architecture.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hipt/mil/bag.h"
#include "hipt/mil/model.h"
#include "hipt/train/layers_torch.h"

namespace hipt::mil {

inline constexpr std::int64_t kPatchVectorDim = 384;   // of ViT-256
inline constexpr std::int64_t kRegionVectorDim = 192;  // of ViT-4096
inline constexpr std::int64_t kClusters = 10;          // mi_fcn: of the patches of a cohort
inline constexpr const char* kVit4kPrefix = "local_vit.";

struct BagTensors {
  at::Tensor features;
  at::Tensor clusters;  // [N], int64
  at::Tensor sources;   // [edges], int64
  at::Tensor targets;
};

struct NetworkOutput {
  at::Tensor logits;  // [1, classes]
  at::Tensor attention;
  at::Tensor attention_scores;
  at::Tensor instance_logits;
  at::Tensor region_vectors;
  at::Tensor region_context;
  at::Tensor hidden;  // CLAM: embedded instances [N, size1], which its loss of instances scores
};

// CLAM's loss of instances.
struct InstanceLoss {
  at::Tensor loss;  // scalar
  std::vector<double> terms;
  std::vector<std::int64_t> targets;
  std::vector<std::int64_t> predictions;
};

class Network {
 public:
  explicit Network(const ModelOptions& options)
      : options_(options), parameters_(static_cast<std::uint64_t>(options.seed)) {}
  virtual ~Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const ModelOptions& options() const { return options_; }
  train::ParameterSet& parameters() { return parameters_; }

  virtual NetworkOutput forward(const BagTensors& bag) const = 0;
  // hipt_lgp: [M, 256, 384] -> class tokens of ViT-4096 [M, 192].
  virtual at::Tensor encode_regions(const at::Tensor& regions) const;
  virtual std::optional<InstanceLoss> instance_loss(const NetworkOutput&, std::int64_t) const { return std::nullopt; }

 protected:
  // Linear - ReLU - Dropout.
  at::Tensor hidden_layer(const train::Linear& linear, const at::Tensor& x) const {
    return train::Dropout(parameters_, options_.dropout)(at::relu(linear(x)));
  }

  ModelOptions options_;
  train::ParameterSet parameters_;
};

// Widths of the two hidden layers for a size and an input ([384, 256] for ViT-256's features, else CLAM's).
struct Widths {
  std::int64_t first = 0;
  std::int64_t second = 0;
};
Widths widths(const ModelOptions& options);

// Pools instances [N, D] to [1, D] by attention scores [1, N], and keeps both kinds of attention in `output`.
at::Tensor pool(const at::Tensor& scores, const at::Tensor& instances, NetworkOutput& output);

// Mean over samples of the smooth top-1 SVM (Berrada et al. 2018, alpha 1, tau 1): scores [n, classes], labels [n].
at::Tensor smooth_svm_loss(const at::Tensor& scores, const at::Tensor& labels);
at::Tensor classification_loss(LossKind kind, const at::Tensor& scores, const at::Tensor& labels);

// Throws InvalidArgument when the bag is not what the model takes.
BagTensors to_tensors(const ModelOptions& options, const Bag& bag);
ModelOutput to_output(const NetworkOutput& output);

std::unique_ptr<Network> make_network(const ModelOptions& options);  // by type
std::unique_ptr<Network> make_mil(const ModelOptions& options);
std::unique_ptr<Network> make_clam(const ModelOptions& options);
std::unique_ptr<Network> make_dsmil(const ModelOptions& options);
std::unique_ptr<Network> make_mi_fcn(const ModelOptions& options);
std::unique_ptr<Network> make_dgcn(const ModelOptions& options);
std::unique_ptr<Network> make_amil(const ModelOptions& options);
std::unique_ptr<Network> make_deep_set(const ModelOptions& options);
std::unique_ptr<Network> make_hipt_n(const ModelOptions& options);
std::unique_ptr<Network> make_hipt_lgp(const ModelOptions& options);  // and hipt_gp

}  // namespace hipt::mil
