// hipt bags: what two of the models over bags need beside features.

#include <filesystem>

#include <fmt/format.h>

#include "hipt/bags/clusters.h"
#include "hipt/bags/graphs.h"
#include "hipt/base/error.h"
#include "hipt/base/text.h"

#include "cli/parser.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

struct BagsFlags {
  std::string save_dir;
  bool no_auto_skip = false;
};

template <class Visitor>
void describe(BagsFlags& o, Visitor& v) {
  v(o.save_dir,
    {.name = "save_dir", .help = "folder that the results go to; \"\": BAGS", .affects = Affects::HowItRuns});
  v(o.no_auto_skip, {.name = "no_auto_skip", .help = "redo what is already there", .affects = Affects::HowItRuns});
}

// What the two have in common: BAGS, where results go, the run.
struct BagsCall {
  std::string folder;
  BagsFlags flags;
  SessionOptions session;

  template <class Options>
  bool parse(const Usage& usage, std::string_view heading, Options& options, Arguments arguments) {
    Parser parser(usage);
    parser.positional("BAGS", "a folder of .pt or .h5 bags, or with pt_files/ or h5_files/ inside", folder);
    parser.declare(heading, options);
    parser.declare("Files", flags);
    parser.declare("Run", session);
    if (!parser.parse(arguments)) return false;
    parser.read(options);
    parser.read(flags);
    parser.read(session);
    return true;
  }

  std::filesystem::path save_dir() const { return flags.save_dir.empty() ? folder : flags.save_dir; }
};

int bags_clusters(Arguments arguments) {
  BagsCall call;
  bags::ClusterOptions options;
  if (!call.parse(
          {.verb = "bags clusters",
           .summary = "Ten clusters over the patches of a whole cohort, for mi_fcn: fast_cluster_ids.pkl as the "
                      "published programs read it, and cluster_centres.pt, which sorts new slides in.",
           .example = "hipt bags clusters tcga_lung_20x_features"},
          "Clusters", options, arguments)) {
    return 0;
  }
  Session session(call.session);
  const std::vector<bags::BagFile> files = bags::bags_in(call.folder);
  const bool made = bags::write_clusters(files, call.save_dir(), call.flags.no_auto_skip, options, session.context());
  session.context().progress.end();
  fmt::print(stderr, "{}: clusters {}\n", counted(std::ssize(files), "slide", "slides"),
             made ? "written" : "already there");
  return 0;
}

int bags_graphs(Arguments arguments) {
  BagsCall call;
  bags::GraphOptions options;
  if (!call.parse({.verb = "bags graphs",
                   .summary = "Each patch joined to its nearest by place and by features, for dgcn: "
                              "graph_files/<slide>.pt. Places are the coords of the bag's .h5, of h5_files/ or of "
                              "patches/ beside its folder.",
                   .example = "hipt bags graphs tcga_lung_20x_features"},
                  "Graphs", options, arguments)) {
    return 0;
  }
  Session session(call.session);
  const std::vector<bags::BagFile> files = bags::bags_in(call.folder);
  const bags::GraphSummary summary =
      bags::write_graphs(files, call.save_dir() / "graph_files", call.flags.no_auto_skip, options, session.context());
  for (const auto& [slide, reason] : summary.failed) fmt::print(stderr, "failed: {}: {}\n", slide, reason);
  fmt::print(stderr, "{}: {} written, {} already there; {} failed\n", counted(std::ssize(files), "slide", "slides"),
             counted(summary.written, "graph", "graphs"), summary.present, std::ssize(summary.failed));
  if (summary.without_places > 0) {
    fmt::print(stderr, "{} without coordinates: joined by features alone\n",
               counted(summary.without_places, "slide", "slides"));
  }
  if (summary.failed.empty()) return 0;
  return std::ssize(summary.failed) == std::ssize(files) ? 1 : 3;
}

}  // namespace

int run_bags(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    fmt::print(
        "usage: hipt bags <what> BAGS [--flags]\n\n"
        "  clusters    ten clusters over the patches of a cohort, for mi_fcn: fast_cluster_ids.pkl\n"
        "  graphs      nearest neighbours of each patch, for dgcn: graph_files/*.pt\n\n"
        "Training makes both when they are missing. `hipt bags <what> --help` gives flags and an example.\n");
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "clusters") return bags_clusters(arguments.subspan(1));
  if (arguments[0] == "graphs") return bags_graphs(arguments.subspan(1));
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("no \"{}\" of bags; `hipt bags --help` lists what there is", arguments[0]));
}

}  // namespace hipt::cli
