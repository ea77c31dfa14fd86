#include "cli/study.h"

#include <fmt/format.h>

namespace hipt::cli {

void declare_source(Parser& parser, StudyFlags& flags) {
  parser.positional("SOURCE", "a slide, a folder of slides, or a CSV with a column `slide`", flags.source, false);
}

void declare_tiling(Parser& parser, const tissue::TissueOptions& tissue, const tiling::TileOptions& tile) {
  parser.declare("Patches", tile);
  parser.declare("Tissue (CLAM's parameters)", tissue);
}

void declare_common(Parser& parser, const StudyFlags& flags, const SessionOptions& session) {
  parser.declare("Study", flags);
  parser.declare("Run", session);
}

tissue::TissueOptions read_tissue(const Parser& parser) {
  tissue::TissueOptions options;
  parser.read(options);
  options = tissue::preset(options.preset);
  parser.read(options);
  return options;
}

void read_tiling(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile) {
  tissue = read_tissue(parser);
  parser.read(tile);
  if (parser.given("mag") && parser.given("patch_level")) {
    throw Error(ErrorCode::InvalidArgument, "--mag and --patch_level are two ways to say which pixels: give one");
  }
}

void read_common(const Parser& parser, StudyFlags& flags, SessionOptions& session) {
  const std::string positional = flags.source;
  parser.read(flags);
  parser.read(session);
  if (!positional.empty() && parser.given("source")) {
    throw Error(ErrorCode::InvalidArgument, "SOURCE and --source are the same: give one");
  }
  if (!flags.study_dir.empty() && !(flags.source.empty() && flags.save_dir.empty())) {
    throw Error(ErrorCode::InvalidArgument, "--study_dir stands for SOURCE and --save_dir: give it alone");
  }
  if (flags.study_dir.empty() && flags.save_dir.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                "name the folder for the results: --save_dir D (or --study_dir TCGA_ROOT_DIR/<study>)");
  }
}

cohort::Source find_study_slides(const StudyFlags& flags, LogSink& log) {
  if (flags.source.empty() && flags.study_dir.empty()) {
    throw Error(ErrorCode::InvalidArgument, "name a SOURCE: a slide, a folder of slides, or a CSV");
  }
  const cohort::Source source = cohort::find_slides(
      flags.study_dir.empty() ? std::filesystem::path(flags.source) : cohort::study_slides(flags.study_dir),
      flags.search_nested);
  for (const std::filesystem::path& file : source.not_slides) {
    log.write(LogLevel::Info, fmt::format("passed over, not a slide: {}", file.filename().string()));
  }
  return source;
}

cohort::StudyFolder output_folder(const StudyFlags& flags, const tiling::TileOptions& tile) {
  if (flags.study_dir.empty()) return {flags.save_dir};
  if (tile.patch_level >= 0) {
    return {std::filesystem::path(flags.study_dir) /
            fmt::format("extracted_level{}_patch{}_fp", tile.patch_level, tile.patch_size)};
  }
  return cohort::study_output(flags.study_dir, tile.mag.value_or(20), tile.patch_size);
}

cohort::BatchOptions batch_options(std::string verb, const StudyFlags& flags) {
  cohort::BatchOptions options;
  options.verb = std::move(verb);
  options.lock_max_age = std::chrono::seconds(flags.lock_max_age);
  return options;
}

}  // namespace hipt::cli
