#pragma once
// NumPy's .npy (format 1.0 to 3.0, little-endian, C order): fixtures and exchange with Python.

#include <filesystem>

#include "hipt/base/array.h"

namespace hipt::io {

// Throws Error Corrupt or Unsupported (big-endian, Fortran order, structured types), naming the file.
Array read_npy(const std::filesystem::path& file);
void write_npy(const std::filesystem::path& file, const Array& array);

}  // namespace hipt::io
