#pragma once
// Small things about text.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hipt {

// "1 patch", "12 patches".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);

// ASCII letters in lower case, everything else as it is.
std::string lower_case(std::string_view text);

// The parts of "a,b,c", blanks and empty parts among them; no part for an empty text or behind a comma at the end.
std::vector<std::string> parts_between_commas(std::string_view text);

// The number that the whole of `text` spells, as std::from_chars reads it; nothing for any other text.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  return failure == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

// What pandas takes for a truth: "True", "TRUE", "true", "False", "FALSE", "false"; nothing for any other text.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace hipt
