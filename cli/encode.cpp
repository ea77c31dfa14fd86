// hipt encode: features of patches, regions and slides.

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "hipt/base/cpu.h"
#include "hipt/encode/batch_progress.h"
#include "hipt/encode/encode_slide.h"
#include "hipt/encode/region_assets.h"
#include "hipt/kernels/simd.h"
#include "hipt/tiling/parameters.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/study.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

// Two: while the last patches of one slide keep some of the cores busy, the next slide's are ready for the others.
constexpr std::int64_t kSlidesInFlight = 2;
constexpr double kMegabyte = 1e6;

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

// How it ran, and what it took.
void tell_of_machine(const encode::SlideJob& job, std::size_t slides_in_flight, RunContext& context) {
  context.log.write(LogLevel::Info,
                    fmt::format("{} on {}, {} threads; peak memory {:.0f} MB, pixels in flight at most {} x {:.0f} MB",
                                name_of(job.encode.precision), kernels::simd_target(), context.pool.size(),
                                static_cast<double>(peak_resident_bytes()) / kMegabyte, slides_in_flight,
                                static_cast<double>(job.most_pixel_bytes) / kMegabyte));
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

// Pixels in flight of all slides together.
std::int64_t most_pixel_bytes() {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
  return static_cast<std::int64_t>(std::min(kMost, physical_memory_bytes() / 8));
}

int encode_slides(const StudyFlags& study, const FlightFlags& flight, const encode::SlideJob& given, Session& session) {
  RunContext& context = session.context();
  const cohort::Source source = find_study_slides(study, context.log);
  const std::int64_t slides = std::ssize(source.slides);
  const std::size_t in_flight =
      std::min(slides_in_flight(flight, context), static_cast<std::size_t>(std::max<std::int64_t>(slides, 1)));
  encode::SlideJob job = given;
  job.most_pixel_bytes = most_pixel_bytes() / static_cast<std::int64_t>(in_flight);
  const cohort::StudyFolder folder = output_folder(study, job.tile);
  const encode::Models models =
      encode::load_models(job.encode, encode::encodes_regions(job.encode, job.tile.patch_size), context.pool.size());
  warn_of_random_weights(models, context);

  cohort::BatchOptions batch = batch_options("encode", study, job.tissue, job.tile);
  append(batch.options, job.tissue, job.tile, job.encode);
  batch.machine = {{"instruction_set", kernels::simd_target()}, {"threads", fmt::format("{}", context.pool.size())}};
  batch.slides_in_flight = in_flight;
  batch.process_tells_progress = true;
  std::optional<encode::BatchProgress> progress(std::in_place, context.progress, slides);
  const cohort::BatchSummary summary = cohort::process_slides(
      source, folder, batch, context, [&](const cohort::SlideEntry& entry, const std::function<bool()>& still_ours) {
        encode::BatchProgress::Slide slide_progress(*progress);
        RunContext slide_context{context.pool, context.log, slide_progress, context.stop};
        encode::SlideJob own = job;
        if (!entry.cells.empty()) {
          tiling::apply_cells(entry.cells, *slide::open_slide(entry.path, entry.mpp, entry.reader), own.tissue,
                              own.tile);
        }
        return encode::encode_slide(entry, folder, own, models, slide_context, still_ours);
      });
  progress.reset();
  tell_of_machine(job, in_flight, context);
  warn_of_random_weights(models, context);
  return session.summarise(summary);
}

}  // namespace

int run_encode(Arguments arguments) {
  StudyFlags study;
  EncodeFlags flags;
  FlightFlags flight{.slides_in_flight = kSlidesInFlight};
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
  parser.declare("Run", flight);
  if (!parser.parse(arguments)) return 0;
  parser.read(job.encode);
  parser.read(flags);
  read_tiling(parser, job.tissue, job.tile);
  read_common(parser, study, session_options);
  parser.read(flight);
  job.auto_skip = !study.no_auto_skip;
  if (!flags.as_region) encode::encodes_regions(job.encode, job.tile.patch_size);

  Session session(session_options);
  return flags.as_region ? encode_picture(study, job, session) : encode_slides(study, flight, job, session);
}

}  // namespace hipt::cli
