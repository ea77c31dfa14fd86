#pragma once
// Where the files of published weights lie on a user's machine.

#include <string>
#include <string_view>

namespace hipt::io {

// The file `file_name` in $HIPT_WEIGHTS, else in the user's data folder ($XDG_DATA_HOME or ~/.local/share, then
// hipt/). Throws NotFound that says where it was looked for and how to name it with the flag `flag`.
std::string find_weights(const std::string& file_name, std::string_view flag);

}  // namespace hipt::io
