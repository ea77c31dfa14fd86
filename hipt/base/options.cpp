#include "hipt/base/options.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hipt {
namespace {

void require_in_range(double value, const Field& field) {
  if (std::isfinite(value) && value >= field.min && value <= field.max) return;
  const bool open_above = field.max == std::numeric_limits<double>::max();
  throw Error(ErrorCode::InvalidArgument,
              open_above ? fmt::format("--{} {}: must be at least {}", field.name, value, field.min)
                         : fmt::format("--{} {}: must be between {} and {}", field.name, value, field.min, field.max));
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
