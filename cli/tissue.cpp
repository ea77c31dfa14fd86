// hipt tissue: contours and holes of slides.

#include "hipt/tiling/parameters.h"
#include "hipt/tissue/study.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/study.h"
#include "cli/verbs.h"

namespace hipt::cli {

int run_tissue(Arguments arguments) {
  StudyFlags study;
  FlightFlags flight;
  tissue::TissueOptions options;
  tiling::TileOptions tile_options;  // what a preset says of tiles, for the process list
  SessionOptions session_options;
  Parser parser(
      {.verb = "tissue",
       .summary =
           "Tissue contours and holes of slides, as CLAM finds them: masks/<slide>.png and "
           "contours_geojson/<slide>.geojson (level-0 pixels; QuPath opens it). What is done already is skipped.",
       .example = "hipt tissue slides/ --save_dir out --preset tcga"});
  declare_source(parser, study);
  parser.declare("Tissue (CLAM's parameters)", options);
  declare_common(parser, study, session_options);
  parser.declare("Run", flight);
  if (!parser.parse(arguments)) return 0;
  read_tissue(parser, options, tile_options);
  read_common(parser, study, session_options);
  parser.read(flight);

  Session session(session_options);
  RunContext& context = session.context();
  const cohort::Source source = find_study_slides(study, context.log);
  const cohort::StudyFolder folder = output_folder(study, {});
  cohort::BatchOptions batch = batch_options("tissue", study, options, tile_options);
  batch.slides_in_flight = slides_in_flight(flight, context);
  append(batch.options, options);
  const cohort::BatchSummary summary = cohort::process_slides(
      source, folder, batch, context, [&](const cohort::SlideEntry& entry, const std::function<bool()>& still_ours) {
        const auto slide = slide::open_slide(entry.path, entry.mpp, entry.reader, &context.pool);
        tissue::TissueOptions own = options;
        tiling::TileOptions own_tile = tile_options;
        tiling::apply_cells(entry.cells, *slide, own, own_tile);
        return tissue::tissue_of_slide(*slide, own, folder, !study.no_auto_skip, still_ours);
      });
  return session.summarise(summary);
}

}  // namespace hipt::cli
