#include "hipt/subtype/options.h"

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::subtype {

OptionTexts output_options(const SubtypeOptions& options) {
  OptionTexts texts = option_texts(options.data);
  for (const OptionTexts& more :
       {option_texts(options.model), option_texts(options.training), option_texts(options.folds)}) {
    texts.insert(texts.end(), more.begin(), more.end());
  }
  return texts;
}

BagMode mode_of(mil::ModelType type) {
  switch (type) {
    case mil::ModelType::HiptN:
    case mil::ModelType::HiptLgp:
      return BagMode::Pyramid;
    case mil::ModelType::HiptGp:
      return BagMode::Region;
    case mil::ModelType::MiFcn:
      return BagMode::Cluster;
    case mil::ModelType::Dgcn:
      return BagMode::Graph;
    case mil::ModelType::Mil:
    case mil::ModelType::ClamSb:
    case mil::ModelType::ClamMb:
    case mil::ModelType::Dsmil:
    case mil::ModelType::Amil:
    case mil::ModelType::DeepSet:
      break;
  }
  return BagMode::Path;
}

void check(const SubtypeOptions& options) {
  const auto fail = [](std::string message) { throw Error(ErrorCode::InvalidArgument, std::move(message)); };
  const std::string_view model = name_of(options.model.type);
  const BagMode mode = mode_of(options.model.type);
  // The published program takes "path" for every model of the HIPT family, whatever was said.
  const bool is_path_by_default = options.data.mode == BagMode::Path && model.starts_with("hipt");
  if (options.data.mode != BagMode::Automatic && options.data.mode != mode && !is_path_by_default) {
    fail(fmt::format("--mode {}: {} takes {}", name_of(options.data.mode), model, name_of(mode)));
  }
  if (options.model.type != mil::ModelType::HiptLgp) {
    if (options.folds.pretrain_4k != "None") {
      fail(fmt::format("--pretrain_4k: {} has no ViT-4096, hipt_lgp has", model));
    }
    if (options.model.freeze_4k) fail(fmt::format("--freeze_4k: {} has no ViT-4096, hipt_lgp has", model));
  }
  const std::int64_t first = first_fold(options.folds), end = end_fold(options.folds);
  if (first >= end || end > options.folds.k) {
    fail(fmt::format("--k_start {} --k_end {}: no fold of {} lies there", first, end, options.folds.k));
  }
  if (options.data.data_root_dir.empty() && options.data.bags.empty()) {
    fail("name where the features are: --data_root_dir TCGA_ROOT_DIR or --bags FOLDER");
  }
}

}  // namespace hipt::subtype
