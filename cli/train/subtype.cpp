// hipt subtype: weakly supervised classification of slides.

#include <fmt/format.h>

#include "hipt/subtype/cross_validation.h"
#include "hipt/subtype/predict.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace hipt::cli {

int run_subtype(Arguments arguments) {
  subtype::SubtypeOptions options;
  subtype::PredictOptions prediction;
  SessionOptions session_options;
  Parser parser({.verb = "subtype",
                 .summary =
                     "Weakly supervised classification of whole slides: trains and tests a model in each fold of "
                     "a cross-validation. What is done already is left alone, and an interrupted run goes on.",
                 .example = "hipt subtype --data_root_dir TCGA_ROOT_DIR --task tcga_brca_subtype --model_type hipt_lgp "
                            "--pretrain_4k vit4k_xs_dino --freeze_4k"});
  parser.declare("Data", options.data);
  parser.declare("Model", options.model);
  parser.declare("Training", options.training);
  parser.declare("Folds", options.folds);
  parser.declare("Results", options.results);
  parser.declare("Prediction", prediction);
  parser.declare("Run", session_options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options.data);
  parser.read(options.model);
  parser.read(options.training);
  parser.read(options.folds);
  parser.read(options.results);
  parser.read(prediction);
  parser.read(session_options);
  if (!prediction.predict.empty()) {
    Session session(session_options);
    return session.summarise(subtype::predict_slides(prediction, options.results.no_auto_skip, session.context()));
  }
  subtype::check(options);

  Session session(session_options);
  const subtype::CrossValidation result = subtype::cross_validate(options, session.context());
  session.context().progress.end();
  fmt::print("{}", result.table);
  fmt::print("{}\n", result.folder.root.string());
  return 0;
}

}  // namespace hipt::cli
