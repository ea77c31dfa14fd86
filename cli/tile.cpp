// hipt tile: coordinates of patches or regions.

#include "hipt/tiling/export.h"
#include "hipt/tiling/parameters.h"
#include "hipt/tiling/report.h"
#include "hipt/tiling/study.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/study.h"
#include "cli/verbs.h"

namespace hipt::cli {

int run_tile(Arguments arguments) {
  StudyFlags study;
  FlightFlags flight;
  tissue::TissueOptions tissue_options;
  tiling::TileOptions tile_options;
  tiling::ExportOptions export_options;
  SessionOptions session_options;
  Parser parser({.verb = "tile",
                 .summary = "Coordinates of patches or regions in the tissue, on CLAM's grid: patches/<slide>.h5 and "
                            "stitches/<slide>.png; on request the patches' pixels and a report. Tissue is made if "
                            "missing; what is done already is skipped.",
                 .example = "hipt tile slides/ --save_dir out --preset tcga --patch_size 4096"});
  declare_source(parser, study);
  declare_tiling(parser, tissue_options, tile_options);
  parser.declare("Further outputs", export_options);
  declare_common(parser, study, session_options);
  parser.declare("Run", flight);
  if (!parser.parse(arguments)) return 0;
  read_tiling(parser, tissue_options, tile_options);
  read_common(parser, study, session_options);
  parser.read(flight);
  parser.read(export_options);

  Session session(session_options);
  RunContext& context = session.context();
  const cohort::Source source = find_study_slides(study, context.log);
  const cohort::StudyFolder folder = output_folder(study, tile_options);
  cohort::BatchOptions batch = batch_options("tile", study, tissue_options, tile_options);
  batch.slides_in_flight = slides_in_flight(flight, context);
  append(batch.options, tissue_options, tile_options);
  const cohort::BatchSummary summary = cohort::process_slides(
      source, folder, batch, context, [&](const cohort::SlideEntry& entry, const std::function<bool()>& still_ours) {
        const auto slide = slide::open_slide(entry.path, entry.mpp, entry.reader, &context.pool);
        tissue::TissueOptions own_tissue = tissue_options;
        tiling::TileOptions own_tile = tile_options;
        tiling::apply_cells(entry.cells, *slide, own_tissue, own_tile);
        const bool auto_skip = !study.no_auto_skip;
        tiling::TileResult tiles = tiling::tile_slide(*slide, own_tissue, own_tile, folder, auto_skip, still_ours);
        if (tiling::export_patches(*slide, tiles, export_options, folder, auto_skip, context, still_ours)) {
          tiles.outcome.status = cohort::Status::Processed;
        }
        if (export_options.report) tiling::write_report_thumbnails(entry.id, folder, still_ours);
        return tiles.outcome;
      });
  if (export_options.report) tiling::write_report(folder, context);
  return session.summarise(summary);
}

}  // namespace hipt::cli
