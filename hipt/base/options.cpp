#include "hipt/base/options.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/text.h"

namespace hipt {
namespace {

void require_in_range(double value, const Field& field) {
  if (std::isfinite(value) && value >= field.min && value <= field.max) return;
  const bool open_above = field.max == std::numeric_limits<double>::max();
  throw Error(ErrorCode::InvalidArgument,
              open_above ? fmt::format("--{} {}: must be at least {}", field.name, value, field.min)
                         : fmt::format("--{} {}: must be between {} and {}", field.name, value, field.min, field.max));
}

[[noreturn]] void wrong_text(const Field& field, std::string_view text, std::string_view expected) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("{} \"{}\": expected {}", field.name, text, expected));
}

double number_of(std::string_view text, const Field& field, std::string_view expected) {
  const std::optional<double> value = parse_number<double>(text);
  if (!value || !std::isfinite(*value)) wrong_text(field, text, expected);
  return *value;
}

// "8" and "8.0": a column of whole numbers with a blank is one of floating-point numbers to pandas.
std::int64_t whole_number_of(std::string_view text, const Field& field) {
  constexpr std::string_view kExpected = "a whole number";
  constexpr double kMost = 9007199254740992.0;  // beyond it a double is no exact count
  const double value = number_of(text, field, kExpected);
  if (value != std::floor(value) || std::abs(value) > kMost) wrong_text(field, text, kExpected);
  return static_cast<std::int64_t>(value);
}

bool means_none(std::string_view text) {
  return text.empty() || text == "none" || text == "None";
}

}  // namespace

void OptionCollector::add(const Field& field, std::string value) {
  if (output_only_ && field.affects == Affects::HowItRuns) return;
  texts_.emplace_back(std::string(field.name), std::move(value));
}
void OptionCollector::boolean(bool& value, const Field& field) {
  add(field, value ? "true" : "false");
}
void OptionCollector::integer(std::int64_t& value, const Field& field) {
  add(field, fmt::format("{}", value));
}
void OptionCollector::number(double& value, const Field& field) {
  add(field, fmt::format("{}", value));
}
void OptionCollector::text(std::string& value, const Field& field) {
  add(field, value);
}
void OptionCollector::list(std::vector<std::int64_t>& value, const Field& field) {
  add(field, value.empty() ? "none" : fmt::format("{}", fmt::join(value, ",")));
}
void OptionCollector::optional_number(std::optional<double>& value, const Field& field) {
  add(field, value ? fmt::format("{}", *value) : "none");
}
void OptionCollector::choice(std::string& value, std::span<const std::string_view>, const Field& field) {
  add(field, value);
}

const std::string* OptionTextReader::find(const Field& field) const {
  const auto place = std::ranges::find(texts_, field.name, &OptionTexts::value_type::first);
  return place == texts_.end() ? nullptr : &place->second;
}
void OptionTextReader::boolean(bool& value, const Field& field) {
  const std::string* text = find(field);
  if (text == nullptr) return;
  const bool on = *text == "true" || *text == "True" || *text == "TRUE" || *text == "1" || *text == "1.0";
  const bool off = *text == "false" || *text == "False" || *text == "FALSE" || *text == "0" || *text == "0.0";
  if (!on && !off) wrong_text(field, *text, "true or false");
  value = on;
}
void OptionTextReader::integer(std::int64_t& value, const Field& field) {
  if (const std::string* text = find(field)) value = whole_number_of(*text, field);
}
void OptionTextReader::number(double& value, const Field& field) {
  if (const std::string* text = find(field)) value = number_of(*text, field, "a number");
}
void OptionTextReader::text(std::string& value, const Field& field) {
  if (const std::string* text = find(field)) value = *text;
}
void OptionTextReader::list(std::vector<std::int64_t>& value, const Field& field) {
  const std::string* text = find(field);
  if (text == nullptr) return;
  value.clear();
  if (means_none(*text)) return;
  std::string_view rest = *text;
  while (true) {
    const std::size_t comma = rest.find(',');
    value.push_back(whole_number_of(rest.substr(0, comma), field));
    if (comma == std::string_view::npos) return;
    rest.remove_prefix(comma + 1);
  }
}
void OptionTextReader::optional_number(std::optional<double>& value, const Field& field) {
  const std::string* text = find(field);
  if (text == nullptr) return;
  value.reset();
  if (!means_none(*text)) value = number_of(*text, field, "a number or none");
}
void OptionTextReader::choice(std::string& value, std::span<const std::string_view> names, const Field& field) {
  const std::string* text = find(field);
  if (text == nullptr) return;
  if (std::ranges::find(names, *text) == names.end()) {
    wrong_text(field, *text, fmt::format("one of {}", fmt::join(names, ", ")));
  }
  value = *text;
}

void OptionRangeCheck::integer(std::int64_t& value, const Field& field) {
  require_in_range(static_cast<double>(value), field);
}
void OptionRangeCheck::number(double& value, const Field& field) {
  require_in_range(value, field);
}
void OptionRangeCheck::list(std::vector<std::int64_t>& value, const Field& field) {
  for (const std::int64_t entry : value) require_in_range(static_cast<double>(entry), field);
}
void OptionRangeCheck::optional_number(std::optional<double>& value, const Field& field) {
  if (value) require_in_range(*value, field);
}

}  // namespace hipt
