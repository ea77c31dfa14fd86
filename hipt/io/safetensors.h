#pragma once
// Hugging Face's safetensors: a JSON header that names dtype, shape and place of each tensor, then the data.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::io {

// True when the file's name ends in ".safetensors".
bool is_safetensors_name(const std::filesystem::path& file);

// The tensors sorted by name, as views into the mapped file or copies. Throws NotFound, Corrupt (a header beyond the
// file, tensors that overlap or leave gaps) or Unsupported (a dtype that Array has not), naming the file and the
// tensor.
std::vector<std::pair<std::string, Array>> read_safetensors(const std::filesystem::path& file);

// Widest elements first, then by name, as the reference writer; bytes depend on the content alone. `metadata` is a map
// of texts that readers show. Not atomic: give the temporary name of an AtomicFile.
void write_safetensors(const std::filesystem::path& file,
                       const std::vector<std::pair<std::string, const Array*>>& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata = {});

}  // namespace hipt::io
