#pragma once

#include <string_view>

namespace hipt {

std::string_view version();  // "0.1.0", of CMakeLists.txt

}  // namespace hipt
