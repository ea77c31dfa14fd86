#include "hipt/subtype/region_vectors.h"

#include <memory>
#include <mutex>
#include <utility>

#include "hipt/bags/bag_files.h"
#include "hipt/base/sha256.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/torch_file.h"
#include "hipt/train/thread.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

// Models for threads that encode side by side: as many as are in use at once.
class ModelPool {
 public:
  explicit ModelPool(const FoldInputs& inputs) : inputs_(inputs) {}

  mil::Bag encode(const mil::Bag& bag) {
    std::unique_ptr<mil::Model> model = take();
    mil::Bag encoded = model->encode_regions(bag);
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(model));
    return encoded;
  }

 private:
  std::unique_ptr<mil::Model> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<mil::Model> model = std::move(free_.back());
        free_.pop_back();
        return model;
      }
    }
    return std::make_unique<mil::Model>(initial_model(inputs_));
  }

  const FoldInputs& inputs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<mil::Model>> free_;
};

}  // namespace

std::string frozen_weights_hash(const mil::Model& model) {
  Sha256 hash;
  for (const auto& [name, array] : model.state()) {
    if (!name.starts_with("local_vit.")) continue;
    hash.update(name + " " + to_string(array.shape()) + "\n");
    hash.update(std::span(array.bytes(), array.byte_size()));
  }
  return hash.hex();
}

RegionVectors::RegionVectors(const fs::path& folder, std::string weights)
    : folder_(folder / weights.substr(0, 16)), weights_(std::move(weights)) {}

fs::path RegionVectors::file(const CohortData& data, std::size_t slide) const {
  return folder_ / (data.dataset.slides.at(slide).slide_id + ".pt");
}

cohort::Fingerprint RegionVectors::fingerprint(const CohortData& data, std::size_t slide) const {
  cohort::Fingerprint fingerprint;
  fingerprint.set("weights4k", weights_);
  fingerprint.set("bag", data.bag_ids.at(slide));
  return fingerprint;
}

void RegionVectors::encode(const FoldInputs& inputs, const std::vector<std::size_t>& slides,
                           RunContext& context) const {
  const CohortData& data = inputs.data;
  std::vector<std::size_t> missing;
  for (const std::size_t slide : slides) {
    std::error_code ignored;
    const bool is_there = fs::is_regular_file(file(data, slide), ignored);
    const auto record = is_there ? io::read_torch_record(file(data, slide), "hipt.json") : std::nullopt;
    if (!record || cohort::Fingerprint::parse(*record) != fingerprint(data, slide)) missing.push_back(slide);
  }
  if (missing.empty()) return;
  context.progress.begin("regions by ViT-4096, once for all epochs", std::ssize(missing), "slides");
  ModelPool models(inputs);
  context.pool.parallel_for(
      missing.size(),
      [&](std::size_t i) {
        train::prepare_training_thread();
        const std::size_t slide = missing[i];
        const mil::Bag encoded = models.encode(load_bag(data, slide));
        io::AtomicFile output(file(data, slide));
        {
          io::TorchTensorWriter writer(output.temporary_path(), DType::Float32, encoded.features.shape(),
                                       {{"hipt.json", fingerprint(data, slide).json()}});
          writer.append({encoded.features.bytes(), encoded.features.byte_size()});
          writer.close();
        }
        output.commit();
        context.progress.advance(1);
      },
      context.stop);
}

mil::Bag RegionVectors::load(const CohortData& data, std::size_t slide) const {
  mil::Bag bag;
  bag.features = bags::read_bag(file(data, slide));
  return bag;
}

}  // namespace hipt::subtype
