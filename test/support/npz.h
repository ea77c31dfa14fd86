#pragma once
// NumPy's .npz (a zip of .npy files), as the oracle has them.

#include <filesystem>
#include <map>
#include <string>

#include "hipt/base/array.h"

namespace hipt::test {

// All arrays by name (without ".npy").
std::map<std::string, Array> read_npz(const std::filesystem::path& file);

}  // namespace hipt::test
