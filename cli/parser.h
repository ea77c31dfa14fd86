#pragma once
// Flags of one verb, made from the descriptions of its Options structs (hipt/base/options.h). The one place that knows
// CLI11.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/options.h"

namespace hipt::cli {

// What `hipt <verb> --help` says above the flags.
struct Usage {
  std::string_view verb;
  std::string_view summary;
  std::string_view example;  // a command that works
};

// Declare positionals and options, parse once, then read the options back.
//
//   Parser parser({.verb = "tile", ...});
//   parser.positional("SOURCE", "a slide, a folder of slides or a CSV", source);
//   parser.declare("Patches", options);   // any number of Options structs
//   if (!parser.parse(arguments)) return 0;   // --help was printed
//   parser.read(options);                 // sets the fields whose flags were given
class Parser {
 public:
  explicit Parser(const Usage& usage);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void positional(std::string_view name, std::string_view help, std::string& value, bool required = true);
  // One or more.
  void positional(std::string_view name, std::string_view help, std::vector<std::string>& values);

  // Flags for every field of `options`, under a heading; their present values are shown as defaults.
  template <class Options>
  void declare(std::string_view heading, const Options& options) {
    Options copy = options;
    const std::unique_ptr<OptionVisitor> visitor = declaring_visitor(heading);
    describe(copy, *visitor);
  }

  // False after --help, which prints to standard output. Throws Error InvalidArgument for a wrong command line.
  bool parse(std::span<const std::string> arguments);

  // Sets the fields whose flags were given and checks every range.
  template <class Options>
  void read(Options& options) const {
    const std::unique_ptr<OptionVisitor> visitor = reading_visitor();
    describe(options, *visitor);
    check_ranges(options);
  }

  bool given(std::string_view flag) const;

 private:
  std::unique_ptr<OptionVisitor> declaring_visitor(std::string_view heading);
  std::unique_ptr<OptionVisitor> reading_visitor() const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hipt::cli
