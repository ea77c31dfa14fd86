#include "test/subtype/subtype_support.h"

#include <fmt/format.h>

#include "hipt/base/formula.h"
#include "hipt/io/csv.h"
#include "hipt/io/torch_file.h"

#include "test/support/oracle_picture.h"

namespace hipt::test {
namespace {

namespace fs = std::filesystem;

// Each class is brighter in features of its own.
Array features_of(const std::string& slide, std::size_t label, bool regions) {
  constexpr std::size_t kDim = 384, kWidth = 32;
  Array features = formula_uniform(kSalt, slide, regions ? Shape{1, 256, kDim} : Shape{7, kDim}, 0.0, 0.5);
  const std::span<float> values = features.as_mutable<float>();
  for (std::size_t row = 0; row < values.size(); row += kDim) {
    for (std::size_t i = 0; i < kWidth; ++i) values[row + label * kWidth + i] += 1.0F;
  }
  return features;
}

}  // namespace

fs::path feature_folder(const fs::path& root, const MadeCohort& cohort, std::size_t label) {
  return root / cohort.studies[label] /
         (cohort.regions ? "extracted_mag20x_patch4096_fp" : "extracted_mag20x_patch256_fp") /
         "vits_tcga_pancancer_dino_pt_patch_features";
}

void write_bag(const fs::path& file, const Array& features) {
  fs::create_directories(file.parent_path());
  io::TorchTensorWriter writer(file, features.dtype(), features.shape());
  writer.append({features.bytes(), features.byte_size()});
  writer.close();
}

void write_cohort(const fs::path& root, const MadeCohort& cohort, std::vector<std::size_t> labels) {
  for (std::size_t i = 0; labels.size() < 12; ++i) labels.push_back(i % cohort.values.size());
  io::CsvTable table{{"case_id", "slide_id", "oncotree_code"}, {}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t label = labels[i];
    const std::string slide = fmt::format("{}-S{:02}", cohort.cohort, i);
    table.rows.push_back({fmt::format("{}-P{:02}", cohort.cohort, i), slide + ".svs", cohort.values[label]});
    write_bag(feature_folder(root, cohort, label) / (slide + ".pt"), features_of(slide, label, cohort.regions));
  }
  fs::create_directories(root / "dataset_csv");
  io::write_csv(root / "dataset_csv" / (cohort.cohort + "_subset.csv"), table);
}

subtype::SubtypeOptions quick_options(const fs::path& root, mil::ModelType type) {
  subtype::SubtypeOptions options;
  options.data.task = "tcga_brca_subtype";
  options.data.data_root_dir = root.string();
  options.model.type = type;
  options.folds.k = 3;
  options.folds.max_epochs = 2;
  options.results.results_dir = (root / "results").string();
  options.results.save_every = 0;
  return options;
}

}  // namespace hipt::test
