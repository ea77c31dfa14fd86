#include "cli/parser.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hipt::cli {

struct Parser::State {
  CLI::App app;
  bool help_shown = false;
};

namespace {

std::string flag_names(const Field& field) {
  std::string names = fmt::format("--{}", field.name);
  if (!field.also.empty()) names += fmt::format(",--{}", field.also);
  return names;
}

std::string help_text(const Field& field, std::string_view default_text) {
  std::string text(field.help);
  if (!field.unit.empty()) text += fmt::format(" ({})", field.unit);
  if (!default_text.empty()) text += fmt::format(" [{}]", default_text);
  return text;
}

class DeclaringVisitor final : public OptionVisitor {
 public:
  DeclaringVisitor(CLI::App& app, std::string_view heading) : app_(app), heading_(heading) {}

  void boolean(bool& value, const Field& field) override {
    const std::string names = value ? fmt::format("{},!--no_{}", flag_names(field), field.name) : flag_names(field);
    const std::string help = help_text(field, value ? "on" : "");
    app_.add_flag(names, help)->group(heading_);
  }
  void integer(std::int64_t& value, const Field& field) override { add(field, "INT", fmt::format("{}", value)); }
  void number(double& value, const Field& field) override { add(field, "NUMBER", fmt::format("{}", value)); }
  void text(std::string& value, const Field& field) override { add(field, "TEXT", value); }
  void list(std::vector<std::int64_t>& value, const Field& field) override {
    add(field, "INT,INT...", fmt::format("{}", fmt::join(value, ",")));
  }
  void optional_number(std::optional<double>& value, const Field& field) override {
    add(field, "NUMBER", value ? fmt::format("{}", *value) : "");
  }
  void choice(std::string& value, std::span<const std::string_view> names, const Field& field) override {
    add(field, fmt::format("{}", fmt::join(names, "|")), value);
  }

 private:
  void add(const Field& field, const std::string& type, const std::string& default_text) {
    const std::string help = help_text(field, default_text);
    app_.add_option(flag_names(field), help)->type_name(type)->expected(1)->group(heading_);
  }

  CLI::App& app_;
  std::string heading_;
};

class ReadingVisitor final : public OptionVisitor {
 public:
  explicit ReadingVisitor(const CLI::App& app) : app_(app) {}

  void boolean(bool& value, const Field& field) override {
    if (const CLI::Option* option = given(field)) value = option->as<bool>();
  }
  void integer(std::int64_t& value, const Field& field) override { convert(value, field, "a whole number"); }
  void number(double& value, const Field& field) override { convert(value, field, "a number"); }
  void text(std::string& value, const Field& field) override {
    if (const CLI::Option* option = given(field)) value = option->results().front();
  }
  void list(std::vector<std::int64_t>& value, const Field& field) override {
    const CLI::Option* option = given(field);
    if (option == nullptr) return;
    value.clear();
    const std::string text = option->results().front();
    if (text == "none") return;
    for (const std::string& part : CLI::detail::split(text, ',')) {
      std::int64_t number = 0;
      if (!CLI::detail::lexical_cast(part, number)) wrong(field, text, "whole numbers with commas between");
      value.push_back(number);
    }
  }
  void optional_number(std::optional<double>& value, const Field& field) override {
    const CLI::Option* option = given(field);
    if (option == nullptr) return;
    if (option->results().front() == "none") {
      value.reset();
      return;
    }
    double number = 0;
    convert(number, field, "a number or none");
    value = number;
  }
  void choice(std::string& value, std::span<const std::string_view> names, const Field& field) override {
    const CLI::Option* option = given(field);
    if (option == nullptr) return;
    const std::string chosen = option->results().front();
    if (std::find(names.begin(), names.end(), chosen) == names.end()) {
      wrong(field, chosen, fmt::format("one of {}", fmt::join(names, ", ")));
    }
    value = chosen;
  }

 private:
  const CLI::Option* given(const Field& field) const {
    const CLI::Option* option = app_.get_option_no_throw(fmt::format("--{}", field.name));
    return option != nullptr && option->count() > 0 ? option : nullptr;
  }
  template <class Number>
  void convert(Number& value, const Field& field, std::string_view expected) const {
    const CLI::Option* option = given(field);
    if (option == nullptr) return;
    if (!CLI::detail::lexical_cast(option->results().front(), value)) wrong(field, option->results().front(), expected);
  }
  [[noreturn]] static void wrong(const Field& field, std::string_view text, std::string_view expected) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("--{} {}: expected {}", field.name, text, expected));
  }

  const CLI::App& app_;
};

}  // namespace

Parser::Parser(const Usage& usage) : state_(std::make_unique<State>()) {
  state_->app.name(fmt::format("hipt {}", usage.verb));
  state_->app.description(std::string(usage.summary));
  state_->app.footer(fmt::format("Example:\n  {}", usage.example));
  state_->app.set_help_flag("-h,--help", "this text");
  state_->app.get_formatter()->column_width(38);
}

Parser::~Parser() = default;

void Parser::positional(std::string_view name, std::string_view help, std::string& value, bool required) {
  state_->app.add_option(std::string(name), value, std::string(help))->type_name("")->required(required);
}

void Parser::positional(std::string_view name, std::string_view help, std::vector<std::string>& values) {
  state_->app.add_option(std::string(name), values, std::string(help))->type_name("")->required();
}

bool Parser::parse(std::span<const std::string> arguments) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    state_->app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::cout << state_->app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}; `{} --help` lists the flags", error.what(), state_->app.get_name()));
  }
  return true;
}

bool Parser::given(std::string_view flag) const {
  const CLI::Option* option = state_->app.get_option_no_throw(fmt::format("--{}", flag));
  return option != nullptr && option->count() > 0;
}

std::unique_ptr<OptionVisitor> Parser::declaring_visitor(std::string_view heading) {
  return std::make_unique<DeclaringVisitor>(state_->app, heading);
}

std::unique_ptr<OptionVisitor> Parser::reading_visitor() const {
  return std::make_unique<ReadingVisitor>(state_->app);
}

}  // namespace hipt::cli
