#pragma once
// Small things about text.

#include <cstdint>
#include <string>
#include <string_view>

namespace hipt {

// "1 patch", "12 patches".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);

// ASCII letters in lower case, everything else as it is.
std::string lower_case(std::string_view text);

}  // namespace hipt
