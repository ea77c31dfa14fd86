#pragma once
// A frozen ViT-4096 gives the same vectors in each epoch, fold and run: they are computed once and kept on disk.

#include <filesystem>
#include <string>
#include <vector>

#include "hipt/base/run_context.h"
#include "hipt/subtype/train_fold.h"

namespace hipt::subtype {

// <folder>/<first 16 digits of the weights' hash>/<slide_id>.pt, each [M, 192] with a fingerprint of weights and bag.
class RegionVectors {
 public:
  // `weights`: what frozen_weights_hash gives.
  RegionVectors(const std::filesystem::path& folder, std::string weights);

  // Computes, on all threads, what is missing or was made of another bag. Throws as load_bag does, and Cancelled.
  void encode(const FoldInputs& inputs, const std::vector<std::size_t>& slides, RunContext& context) const;

  // [M, 192]. Throws NotFound or Corrupt.
  mil::Bag load(const CohortData& data, std::size_t slide) const;

 private:
  std::filesystem::path file(const CohortData& data, std::size_t slide) const;
  cohort::Fingerprint fingerprint(const CohortData& data, std::size_t slide) const;

  std::filesystem::path folder_;
  std::string weights_;
};

// SHA-256 of the model's ViT-4096.
std::string frozen_weights_hash(const mil::Model& model);

}  // namespace hipt::subtype
