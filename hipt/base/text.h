#pragma once
// Text for people.

#include <cstdint>
#include <string>
#include <string_view>

namespace hipt {

// "1 patch", "12 patches".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);

}  // namespace hipt
