#pragma once
// Flags that the verbs over slides share: SOURCE, --save_dir, --study_dir, process list, tissue and tiling, skipping.

#include <string>

#include "hipt/base/log.h"
#include "hipt/cohort/batch.h"
#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/tiling/tiling.h"
#include "hipt/tissue/tissue.h"

#include "cli/parser.h"
#include "cli/session.h"

namespace hipt::cli {

struct StudyFlags {
  std::string source;  // a slide, a folder, a CSV
  std::string save_dir;
  std::string study_dir;     // TCGA_ROOT_DIR/tcga_brca: stands for source and save_dir
  std::string process_list;  // CLAM's: slides of SOURCE with their own parameters
  slide::ReaderChoice reader = slide::ReaderChoice::Auto;
  bool search_nested = false;
  bool no_auto_skip = false;
  std::int64_t lock_max_age = 1800;
  std::string shard;  // "i/n"
  std::string cache_dir;
};

template <class Visitor>
void describe(StudyFlags& o, Visitor& v) {
  v(o.source, {.name = "source", .help = "SOURCE by its flag, as CLAM spells it", .affects = Affects::HowItRuns});
  v(o.save_dir, {.name = "save_dir", .help = "folder that all results go to", .affects = Affects::HowItRuns});
  v(o.study_dir, {.name = "study_dir",
                  .help = "TCGA_ROOT_DIR/<study>: reads its WSIs/, writes its extracted_mag20x_patch<size>_fp/",
                  .affects = Affects::HowItRuns});
  v(o.process_list, {.name = "process_list",
                     .help = "CSV of CLAM's form: which slides of SOURCE, with parameters of their own",
                     .affects = Affects::HowItRuns});
  v(o.reader, slide::kReaderField);
  v(o.search_nested,
    {.name = "search_nested", .help = "look for slides in folders below too", .affects = Affects::HowItRuns});
  v(o.no_auto_skip, {.name = "no_auto_skip", .help = "redo what is already there", .affects = Affects::HowItRuns});
  v(o.lock_max_age, {.name = "lock_max_age",
                     .unit = "s",
                     .help = "a lock without a heartbeat for so long is taken over",
                     .min = 10,
                     .affects = Affects::HowItRuns});
  v(o.shard, {.name = "shard", .help = "I/N: only every N-th slide, from the I-th on", .affects = Affects::HowItRuns});
  v(o.cache_dir, {.name = "cache_dir",
                  .help = "slides are copied ahead to this folder of a fast disk and removed after use",
                  .affects = Affects::HowItRuns});
}

// Of the verbs that work on several slides at once.
struct FlightFlags {
  std::int64_t slides_in_flight = 0;
};

template <class Visitor>
void describe(FlightFlags& o, Visitor& v) {
  v(o.slides_in_flight, {.name = "slides_in_flight",
                         .help = "slides worked on at once; 0: as many as threads, up to 8",
                         .min = 0,
                         .max = 256,
                         .affects = Affects::HowItRuns});
}

void declare_source(Parser& parser, StudyFlags& flags);  // SOURCE
void declare_tiling(Parser& parser, const tissue::TissueOptions& tissue, const tiling::TileOptions& tile);
void declare_common(Parser& parser, const StudyFlags& flags, const SessionOptions& session);

// Tissue flags over the preset that was named; a preset sets some of `tile` too.
void read_tissue(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile);
void read_tiling(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile);
void read_common(const Parser& parser, StudyFlags& flags, SessionOptions& session);

// The slides of SOURCE or of the study; what was passed over is logged. Throws InvalidArgument when neither is given.
cohort::Source find_study_slides(const StudyFlags& flags, LogSink& log);
cohort::StudyFolder output_folder(const StudyFlags& flags, const tiling::TileOptions& tile);

// `tissue` and `tile`: what the process list tells of slides that failed or were left out.
cohort::BatchOptions batch_options(std::string verb, const StudyFlags& flags, const tissue::TissueOptions& tissue,
                                   const tiling::TileOptions& tile);
std::size_t slides_in_flight(const FlightFlags& flags, const RunContext& context);
template <class... Options>
void append(OptionTexts& texts, const Options&... options) {
  for (const OptionTexts& more : {option_texts(options)...}) texts.insert(texts.end(), more.begin(), more.end());
}

}  // namespace hipt::cli
