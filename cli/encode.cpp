// hipt encode: features of patches, regions and slides.

#include <fmt/format.h>

#include "hipt/encode/encode_slide.h"
#include "hipt/encode/region_assets.h"
#include "hipt/tiling/parameters.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/study.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

struct EncodeFlags {
  bool as_region = false;
};

template <class Visitor>
void describe(EncodeFlags& o, Visitor& v) {
  v(o.as_region, {.name = "as_region", .help = "SOURCE is one picture: the published HIPT_4K, no tissue step"});
}

void warn_of_random_weights(const encode::Models& models, RunContext& context) {
  if (!models.random_weights) return;
  context.log.write(
      LogLevel::Warning,
      "RANDOM WEIGHTS: these features have no meaning; they show that the program works. "
      "Name trained weights with --weights256 FILE (and --weights4k FILE for regions), or --weights_resnet FILE.");
}

int encode_picture(const StudyFlags& study, const encode::SlideJob& job, Session& session) {
  RunContext& context = session.context();
  if (study.source.empty()) throw Error(ErrorCode::InvalidArgument, "--as_region needs one picture as SOURCE");
  const encode::Models models = encode::load_models(job.encode, true, context.pool.size());
  warn_of_random_weights(models, context);
  const cohort::StudyFolder folder = output_folder(study, job.tile);
  const vit::RegionFeatures features = encode::encode_as_region(study.source, folder, models, context);
  context.progress.end();
  const std::string id = std::filesystem::path(study.source).stem().string();
  fmt::print(
      "{}: {} x {} patches; features_cls256 {}, features_mean256 {}, features_cls4k {}, features_mean256_cls4k {}\n"
      "{}\n{}\n",
      id, features.rows, features.cols, to_string(features.cls256.shape()), to_string(features.mean256.shape()),
      to_string(features.cls4k.shape()), to_string(features.mean256_cls4k.shape()),
      folder.region_assets(id, ".h5").string(), folder.region_assets(id, ".pt").string());
  return 0;
}

int encode_slides(const StudyFlags& study, const encode::SlideJob& job, Session& session) {
  RunContext& context = session.context();
  const cohort::Source source = find_study_slides(study, context.log);
  const cohort::StudyFolder folder = output_folder(study, job.tile);
  const encode::Models models =
      encode::load_models(job.encode, encode::encodes_regions(job.encode, job.tile.patch_size), context.pool.size());
  warn_of_random_weights(models, context);

  cohort::BatchOptions batch = batch_options("encode", study, job.tissue, job.tile);
  append(batch.options, job.tissue, job.tile, job.encode);
  const cohort::BatchSummary summary = cohort::process_slides(
      source, folder, batch, context, [&](const cohort::SlideEntry& entry, const std::function<bool()>& still_ours) {
        if (entry.cells.empty()) return encode::encode_slide(entry, folder, job, models, context, still_ours);
        encode::SlideJob own = job;
        tiling::apply_cells(entry.cells, *slide::open_slide(entry.path, entry.mpp), own.tissue, own.tile);
        return encode::encode_slide(entry, folder, own, models, context, still_ours);
      });
  warn_of_random_weights(models, context);
  return session.summarise(summary);
}

}  // namespace

int run_encode(Arguments arguments) {
  StudyFlags study;
  EncodeFlags flags;
  encode::SlideJob job;
  SessionOptions session_options;
  Parser parser({.verb = "encode",
                 .summary =
                     "Features of patches (--patch_size 256: [M, 384]) or of regions and slides (--patch_size 4096: "
                     "[M, 256, 384], [M, 192], [192]). Tissue and coordinates are made if missing; what is done "
                     "already is skipped.",
                 .example = "hipt encode slides/ --save_dir out --patch_size 4096 --weights256 vit256_small_dino.pth "
                            "--weights4k vit4k_xs_dino.pth"});
  declare_source(parser, study);
  parser.declare("Models and features", job.encode);
  parser.declare("Models and features", flags);
  declare_tiling(parser, job.tissue, job.tile);
  declare_common(parser, study, session_options);
  if (!parser.parse(arguments)) return 0;
  parser.read(job.encode);
  parser.read(flags);
  read_tiling(parser, job.tissue, job.tile);
  read_common(parser, study, session_options);
  job.auto_skip = !study.no_auto_skip;
  if (!flags.as_region) encode::encodes_regions(job.encode, job.tile.patch_size);

  Session session(session_options);
  return flags.as_region ? encode_picture(study, job, session) : encode_slides(study, job, session);
}

}  // namespace hipt::cli
