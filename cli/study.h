#pragma once
// Flags that the verbs over slides share: SOURCE, --save_dir, --study_dir, tissue and tiling, skipping.

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
  std::string study_dir;  // TCGA_ROOT_DIR/tcga_brca: stands for source and save_dir
  bool search_nested = false;
  bool no_auto_skip = false;
  std::int64_t lock_max_age = 1800;
};

template <class Visitor>
void describe(StudyFlags& o, Visitor& v) {
  v(o.source, {.name = "source", .help = "SOURCE by its flag, as CLAM spells it", .affects = Affects::HowItRuns});
  v(o.save_dir, {.name = "save_dir", .help = "folder that all results go to", .affects = Affects::HowItRuns});
  v(o.study_dir, {.name = "study_dir",
                  .help = "TCGA_ROOT_DIR/<study>: reads its WSIs/, writes its extracted_mag20x_patch<size>_fp/",
                  .affects = Affects::HowItRuns});
  v(o.search_nested,
    {.name = "search_nested", .help = "look for slides in folders below too", .affects = Affects::HowItRuns});
  v(o.no_auto_skip, {.name = "no_auto_skip", .help = "redo what is already there", .affects = Affects::HowItRuns});
  v(o.lock_max_age, {.name = "lock_max_age",
                     .unit = "s",
                     .help = "a lock without a heartbeat for so long is taken over",
                     .min = 10,
                     .affects = Affects::HowItRuns});
}

void declare_source(Parser& parser, StudyFlags& flags);  // SOURCE
void declare_tiling(Parser& parser, const tissue::TissueOptions& tissue, const tiling::TileOptions& tile);
void declare_common(Parser& parser, const StudyFlags& flags, const SessionOptions& session);

// Tissue flags over the preset that was named.
tissue::TissueOptions read_tissue(const Parser& parser);
void read_tiling(const Parser& parser, tissue::TissueOptions& tissue, tiling::TileOptions& tile);
void read_common(const Parser& parser, StudyFlags& flags, SessionOptions& session);

// The slides of SOURCE or of the study; what was passed over is logged. Throws InvalidArgument when neither is given.
cohort::Source find_study_slides(const StudyFlags& flags, LogSink& log);
cohort::StudyFolder output_folder(const StudyFlags& flags, const tiling::TileOptions& tile);

cohort::BatchOptions batch_options(std::string verb, const StudyFlags& flags);
template <class... Options>
void append(OptionTexts& texts, const Options&... options) {
  for (const OptionTexts& more : {option_texts(options)...}) texts.insert(texts.end(), more.begin(), more.end());
}

}  // namespace hipt::cli
