#include "cli/program.h"

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/version.h"

namespace hipt::cli {
namespace {

void print_help(const Program& program) {
  fmt::print("{} {}: {}", program.name, version(), program.opening);
  std::string_view group;
  for (const Verb& verb : program.verbs) {
    if (verb.group != group) fmt::print("\n{}\n", verb.group);
    group = verb.group;
    fmt::print("  {:<12}{}\n", verb.name, verb.summary);
  }
  fmt::print("{}", program.closing);
}

// Messages name the verb as users call it: `hipt` starts the other program's verbs too.
int fail(std::string_view verb, std::string_view message, int status) {
  fmt::print(stderr, "hipt {}: {}\n", verb, message);
  return status;
}

int run_verb(const Verb& verb, Arguments arguments) {
  try {
    return verb.run(arguments);
  } catch (const Error& error) {
    return fail(verb.name, error.what(), error.code() == ErrorCode::InvalidArgument ? 2 : 1);
  } catch (const std::bad_alloc&) {
    return fail(verb.name, "out of memory", 1);
  } catch (const std::exception& error) {
    return fail(verb.name, fmt::format("internal error: {}", error.what()), 1);
  }
}

}  // namespace

int run_program(const Program& program, int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_help(program);
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") {
    fmt::print("{} {}\n", program.name, version());
    return 0;
  }
  for (const Verb& verb : program.verbs) {
    if (verb.name == arguments[0]) return run_verb(verb, Arguments(arguments).subspan(1));
  }
  fmt::print(stderr, "{}: no verb \"{}\"; `{} --help` lists them\n", program.name, arguments[0], program.name);
  return 2;
}

}  // namespace hipt::cli
