// hipt-train <verb> [--flags]: the verbs that need LibTorch. `hipt` starts it.

#include "cli/program.h"

namespace {

constexpr hipt::cli::Verb kVerbs[] = {
    {"train", "subtype", "weakly supervised classification of slides: cross-validation", hipt::cli::run_subtype},
};

constexpr hipt::cli::Program kProgram{.name = "hipt-train",
                                      .opening = "the verbs of hipt that train\n\nusage: hipt <verb> [--flags]\n",
                                      .closing =
                                          "\n`hipt <verb> --help` gives flags, units, defaults and an example.\n"
                                          "Exit status: 0 all good, 1 failed, 2 wrong usage.\n",
                                      .verbs = kVerbs};

}  // namespace

int main(int argc, char** argv) {
  return hipt::cli::run_program(kProgram, argc, argv);
}
