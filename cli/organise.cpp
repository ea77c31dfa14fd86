// hipt organise: where data has to lie for the other verbs.

#include "hipt/cohort/organise.h"

#include <fmt/format.h>

#include "hipt/base/text.h"
#include "hipt/encode/pretraining_data.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

int organise_slides(Arguments arguments) {
  cohort::OrganiseOptions options;
  SessionOptions session_options;
  Parser parser({.verb = "organise slides",
                 .summary =
                     "Slides that gdc-client downloaded to TCGA_ROOT_DIR/<study>/WSIs/, size and MD5 verified. What "
                     "was verified once is not read again; missing and damaged files are listed in "
                     "organise_slides.csv.",
                 .example = "hipt organise slides downloads/ --manifest gdc_manifest.txt --sample_sheet "
                            "gdc_sample_sheet.tsv --root_dir TCGA_ROOT_DIR --diagnostic_only"});
  parser.positional("DOWNLOADS", "the folder that gdc-client wrote", options.downloads);
  parser.declare("Files", options);
  parser.declare("Run", session_options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  parser.read(session_options);

  Session session(session_options);
  const cohort::OrganiseSummary summary = cohort::organise_slides(options, session.context());
  using cohort::FileStatus;
  const std::int64_t good = summary.count(FileStatus::Placed) + summary.count(FileStatus::There);
  const std::int64_t bad = std::ssize(summary.files) - good;
  fmt::print(stderr, "{}: {} placed, {} already there, {} missing, {} damaged, {} refused",
             counted(std::ssize(summary.files), "slide", "slides"), summary.count(FileStatus::Placed),
             summary.count(FileStatus::There), summary.count(FileStatus::Missing), summary.count(FileStatus::Damaged),
             summary.count(FileStatus::Refused));
  if (summary.passed_over > 0) {
    fmt::print(stderr, "; {} passed over", counted(summary.passed_over, "other", "others"));
  }
  fmt::print(stderr, "\n{}\n", summary.report.string());
  if (bad == 0) return 0;
  return good == 0 ? 1 : 3;
}

using WritePretrainingData = encode::PretrainingSummary (*)(const encode::PretrainingOptions&, RunContext&);

int organise_pretraining(Arguments arguments, const Usage& usage, WritePretrainingData write) {
  encode::PretrainingOptions options;
  SessionOptions session_options;
  Parser parser(usage);
  parser.positional("TCGA_ROOT_DIR", "folders of studies, as tile and encode --study_dir leave them", options.root_dir,
                    false);
  parser.declare("Data", options);
  parser.declare("Run", session_options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);
  parser.read(session_options);

  Session session(session_options);
  const encode::PretrainingSummary summary = write(options, session.context());
  session.context().progress.end();
  for (const auto& [slide, reason] : summary.failed) fmt::print(stderr, "failed: {}: {}\n", slide, reason);
  fmt::print(stderr, "{}: {} written, {} already there; {} failed\n", counted(summary.slides, "slide", "slides"),
             counted(summary.written, "file", "files"), summary.present,
             counted(std::ssize(summary.failed), "slide", "slides"));
  if (summary.failed.empty()) return 0;
  return std::ssize(summary.failed) == summary.slides ? 1 : 3;
}

int organise_patches(Arguments arguments) {
  return organise_pretraining(arguments,
                              {.verb = "organise patches",
                               .summary = "The 256-px patches of every kept region of a whole TCGA_ROOT_DIR, as PNG in "
                                          "patch_256_pretraining/: what ViT-256 is pretrained on. Files that are there "
                                          "are left alone.",
                               .example = "hipt organise patches TCGA_ROOT_DIR --save_dir TCGA_PRETRAINING_DIR"},
                              encode::write_pretraining_patches);
}

int organise_regions(Arguments arguments) {
  return organise_pretraining(arguments,
                              {.verb = "organise regions",
                               .summary = "The ViT-256 features of every region of a whole TCGA_ROOT_DIR, one tensor "
                                          "[256, 384] a file in region_4096_pretraining/: what ViT-4096 is pretrained "
                                          "on. Files that are there are left alone.",
                               .example = "hipt organise regions TCGA_ROOT_DIR --save_dir TCGA_PRETRAINING_DIR"},
                              encode::write_pretraining_regions);
}

struct What {
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments);
};

constexpr What kWhats[] = {
    {"slides", "downloads of the Genomic Data Commons to TCGA_ROOT_DIR/<study>/WSIs/", organise_slides},
    {"patches", "patch_256_pretraining/*.png of a whole TCGA_ROOT_DIR", organise_patches},
    {"regions", "region_4096_pretraining/*.pt of a whole TCGA_ROOT_DIR", organise_regions},
};

void print_help() {
  fmt::print("usage: hipt organise <what> [--flags]\n\n");
  for (const What& what : kWhats) fmt::print("  {:<12}{}\n", what.name, what.summary);
  fmt::print("\n`hipt organise <what> --help` gives flags and an example.\n");
}

}  // namespace

int run_organise(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    print_help();
    return arguments.empty() ? 2 : 0;
  }
  for (const What& what : kWhats) {
    if (what.name == arguments[0]) return what.run(arguments.subspan(1));
  }
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("no \"{}\" to organise; `hipt organise --help` lists what there is", arguments[0]));
}

}  // namespace hipt::cli
