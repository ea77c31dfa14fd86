#pragma once
// What the two programs share: the table of verbs, help, and how an Error becomes an exit status.

#include <span>
#include <string_view>

#include "cli/verbs.h"

namespace hipt::cli {

struct Verb {
  std::string_view group;
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments);
};

struct Program {
  std::string_view name;     // "hipt"
  std::string_view opening;  // the lines of its help above the verbs, after "<name> <version>"
  std::string_view closing;  // and below them
  std::span<const Verb> verbs;
};

// Runs the verb that the command line names. Gives the exit status: 2 for a wrong command line, 1 for other errors.
int run_program(const Program& program, int argc, const char* const* argv);

}  // namespace hipt::cli
