#pragma once
// What a file of weights holds, for `hipt checkpoint`, and its export as safetensors.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/vit/weights.h"

namespace hipt::vit {

struct TensorSummary {
  std::string name;  // with the dicts that hold it, "teacher.backbone.cls_token"
  DType dtype = DType::Float32;
  Shape shape;
};

struct CheckpointSummary {
  std::string format;                                       // "torch zip", "torch legacy" or "safetensors"
  std::vector<TensorSummary> tensors;                       // in file order
  std::vector<std::pair<std::string, std::string>> others;  // "epoch" -> "3", "args" -> "argparse.Namespace"
  std::string model;  // named configuration that load_weights would take; "" for none
};

// Reads every tensor, so that a damaged record is noticed. Throws as read_torch_file and read_safetensors do.
CheckpointSummary summarise_checkpoint(const std::filesystem::path& file);

// The parameters as a safetensors file under the bare model's names, float32, with origin and sha256 as metadata.
// Atomic.
void export_safetensors(const std::filesystem::path& file, const Weights& weights);

}  // namespace hipt::vit
