#include "cli/study.h"

#include <algorithm>

#include <fmt/format.h>

#include "hipt/cohort/process_list.h"
#include "hipt/tiling/parameters.h"

namespace hipt::cli {
namespace {

// As given; CLAM looks for it in the folder of the results.
std::filesystem::path process_list_file(const StudyFlags& flags) {
  const std::filesystem::path beside_results = std::filesystem::path(flags.save_dir) / flags.process_list;
  std::error_code ignored;
  const bool as_given = flags.save_dir.empty() || std::filesystem::exists(flags.process_list, ignored);
  if (!as_given && std::filesystem::exists(beside_results, ignored)) return beside_results;
  return flags.process_list;
}

}  // namespace

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

void read_tissue(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile) {
  parser.read(tissue);
  tiling::apply_preset(tissue.preset, tissue, tile);
  parser.read(tissue);
}

void read_tiling(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile) {
  read_tissue(parser, tissue, tile);
  parser.read(tile);
  const int rules = parser.given("mag") + parser.given("mpp") + parser.given("patch_level");
  if (rules > 1) {
    throw Error(ErrorCode::InvalidArgument, "--mag, --mpp and --patch_level are ways to say which pixels: give one");
  }
  tiling::check_options(tile);
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
  const std::filesystem::path place =
      flags.study_dir.empty() ? std::filesystem::path(flags.source) : cohort::study_slides(flags.study_dir);
  cohort::Source source = flags.process_list.empty()
                              ? cohort::find_slides(place, flags.search_nested)
                              : cohort::find_listed_slides(place, process_list_file(flags), flags.search_nested);
  if (!flags.shard.empty()) cohort::take_shard(source, flags.shard);
  for (cohort::SlideEntry& slide : source.slides) slide.reader = flags.reader;
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
  if (tile.mpp) {
    return {std::filesystem::path(flags.study_dir) /
            fmt::format("extracted_mpp{}_patch{}_fp", *tile.mpp, tile.patch_size)};
  }
  return cohort::study_output(flags.study_dir, tile.mag.value_or(20), tile.patch_size);
}

cohort::BatchOptions batch_options(std::string verb, const StudyFlags& flags, const tissue::TissueOptions& tissue,
                                   const tiling::TileOptions& tile) {
  cohort::BatchOptions options;
  options.verb = std::move(verb);
  options.lock_max_age = std::chrono::seconds(flags.lock_max_age);
  options.cache_dir = flags.cache_dir;
  options.columns_as_asked = [tissue, tile](const cohort::SlideEntry& slide) {
    return tiling::columns_as_asked(slide, tissue, tile);
  };
  return options;
}

std::size_t slides_in_flight(const FlightFlags& flags, const RunContext& context) {
  constexpr std::size_t kMost = 8;  // each may hold a level of 1e8 pixels
  return flags.slides_in_flight > 0 ? static_cast<std::size_t>(flags.slides_in_flight)
                                    : std::min(context.pool.size(), kMost);
}

}  // namespace hipt::cli
