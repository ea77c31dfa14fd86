#pragma once
// The weakly supervised models that HIPT was compared with, and HIPT's own (Chen et al. 2022, section 4.1): a bag in,
// the slide's class out. Names of parameters are those of the published state dicts.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/io/state_dict.h"
#include "hipt/mil/bag.h"
#include "hipt/mil/options.h"
#include "hipt/vit/weights.h"

namespace hipt::mil {

class Network;
class TrainingStep;

struct ModelOutput {
  Array logits;         // [1, classes]
  Array probabilities;  // [1, classes]: softmax; for one class the sigmoid
  std::int64_t prediction = 0;

  // How much each instance counts, where the model has it: patches, for hipt_n to hipt_lgp regions.
  Array attention;         // after the softmax over instances: [1 or classes, N]; dsmil [N, classes]
  Array attention_scores;  // before it, [1 or classes, N]
  Array instance_logits;   // mil, dsmil: [N, classes]
  Array region_vectors;    // hipt_lgp: class tokens of ViT-4096, [M, 192]
  Array region_context;    // hipt_gp, hipt_lgp: after the transformer over regions, [M, 192]
};

// One model with its parameters. Not for two threads at once; many models side by side are fine. Every call's thread
// has run train::prepare_training_thread.
class Model {
 public:
  // Throws InvalidArgument for options that make no model (classes, sizes).
  explicit Model(const ModelOptions& options);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelOptions& options() const;

  // Without dropout and gradients. Throws InvalidArgument when the bag is not what the model takes: empty, of another
  // shape, without clusters or edges, or these out of range.
  ModelOutput predict(const Bag& bag) const;

  // hipt_lgp with freeze_4k: the bag with [M, 192] in the place of [M, 256, 384]. A frozen ViT-4096 gives the same each
  // time, so that encoding once stands for every epoch. Other models give InvalidArgument.
  Bag encode_regions(const Bag& bag) const;

  std::int64_t parameter_count() const;
  std::int64_t trainable_count() const;
  io::ParameterShapes parameter_shapes() const;
  std::vector<std::pair<std::string, Array>> state() const;  // copies, with buffers

  // All parameters. Throws InvalidArgument listing what does not fit.
  void load(const io::StateDict& state);
  // hipt_lgp, --pretrain_4k: the weights of ViT-4096 (vit::load_weights). Throws InvalidArgument for other models.
  void load_vit_4k(const vit::Weights& weights);
  // A file that torch.load(weights_only=True) opens; `records` lie beside the tensors (io::read_torch_record). Atomic.
  void save(const std::filesystem::path& file, std::vector<std::pair<std::string, std::string>> records = {}) const;

 private:
  friend class TrainingStep;
  std::unique_ptr<Network> network_;
};

// A checkpoint of any of these models, with the names that occur in the wild put right: "module." of DataParallel, also
// inside a name. Throws as io::read_state_dict does.
io::StateDict read_checkpoint(const std::filesystem::path& file);
// The model that a checkpoint's names and shapes tell: type, classes, widths. Throws Unsupported.
ModelOptions options_of(const io::StateDict& state);
Model load_model(const std::filesystem::path& file);

}  // namespace hipt::mil
