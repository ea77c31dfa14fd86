#pragma once
// What every long verb shares: threads, Ctrl-C, log and progress on the terminal.

#include <cstdint>
#include <memory>
#include <string>

#include "hipt/base/options.h"
#include "hipt/base/run_context.h"
#include "hipt/cohort/batch.h"

namespace hipt::cli {

struct SessionOptions {
  std::int64_t threads = 0;
  bool quiet = false;
  bool verbose = false;
  std::string log_json;
};

template <class Visitor>
void describe(SessionOptions& o, Visitor& v) {
  v(o.threads,
    {.name = "threads", .help = "worker threads; 0: all cores", .min = 0, .max = 4096, .affects = Affects::HowItRuns});
  v(o.quiet, {.name = "quiet", .help = "errors and the summary only", .affects = Affects::HowItRuns});
  v(o.verbose, {.name = "verbose", .help = "say more", .affects = Affects::HowItRuns});
  v(o.log_json,
    {.name = "log_json", .help = "also write the log as JSON lines to this file", .affects = Affects::HowItRuns});
}

// Owns pool, log and progress of one run, and turns SIGINT and SIGTERM into a stop request: the piece of work in hand
// ends, nothing half-written stays, and the same command goes on later. A second signal ends the process at once.
class Session {
 public:
  explicit Session(const SessionOptions& options);
  ~Session();

  RunContext& context();

  // Prints the table of failures and one line of counts to standard error; gives the exit status.
  int summarise(const cohort::BatchSummary& summary);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::cli
