#pragma once
// hipt subtype --predict: a trained model on slides without labels.

#include <filesystem>
#include <string>

#include "hipt/base/options.h"
#include "hipt/base/run_context.h"
#include "hipt/cohort/batch.h"

namespace hipt::subtype {

struct PredictOptions {
  std::string predict;
  std::string source;
  std::string save_dir;
  std::string class_names;
  std::string cluster_centres;
};

template <class Visitor>
void describe(PredictOptions& o, Visitor& v) {
  v(o.predict, {.name = "predict",
                .help = "a checkpoint (s_0_checkpoint.pt, or CLAM's or DS-MIL's): instead of training, what it says of "
                        "the slides of --source",
                .affects = Affects::HowItRuns});
  v(o.source, {.name = "source",
               .help = "with predict: a folder of features, or one that hipt encode wrote",
               .affects = Affects::HowItRuns});
  v(o.save_dir, {.name = "save_dir", .help = "with predict: folder of the predictions", .affects = Affects::HowItRuns});
  v(o.class_names, {.name = "class_names",
                    .help = "with predict: names of the classes, in order, with commas between",
                    .affects = Affects::HowItRuns});
  v(o.cluster_centres, {.name = "cluster_centres",
                        .help = "with predict, mi_fcn: cluster_centres.pt of the cohort that it was trained on",
                        .affects = Affects::HowItRuns});
}

// Writes in --save_dir
//   attention/<slide_id>.h5       probabilities [classes], prediction, and of each instance what the model has:
//                                 attention, attention_scores, instance_logits [N, classes or 1] (mi_fcn: the
//                                 attention of the patch's cluster); coords [N, 2] where they are known
//   attention/<slide_id>.geojson  a square an instance with these numbers as measurements, as QuPath opens it; only
//                                 where coords are known
//   predictions.csv               slide_id, prediction, a probability a class: of every slide in attention/
// and locks, outcomes, process list and run record as every verb over slides. The model comes from the checkpoint
// alone. What is there with an equal fingerprint is left alone; a bad slide does not stop the others.
// Throws InvalidArgument for options that are missing or do not fit the model, and what mil::read_checkpoint and
// bags::bags_in give.
cohort::BatchSummary predict_slides(const PredictOptions& options, bool no_auto_skip, RunContext& context);

}  // namespace hipt::subtype
