#include "hipt/io/weight_files.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

std::vector<std::filesystem::path> weight_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* chosen = std::getenv("HIPT_WEIGHTS")) folders.emplace_back(chosen);
  if (const char* data = std::getenv("XDG_DATA_HOME")) {
    folders.push_back(std::filesystem::path(data) / "hipt");
  } else if (const char* home = std::getenv("HOME")) {
    folders.push_back(std::filesystem::path(home) / ".local/share/hipt");
  }
  return folders;
}

}  // namespace

std::string find_weights(const std::string& file_name, std::string_view flag) {
  const std::vector<std::filesystem::path> folders = weight_folders();
  for (const std::filesystem::path& folder : folders) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(folder / file_name, ignored)) return (folder / file_name).string();
  }
  std::vector<std::string> places;
  for (const std::filesystem::path& folder : folders) places.push_back((folder / file_name).string());
  throw Error(ErrorCode::NotFound,
              fmt::format("no weights: {0} is not in {1}; name a checkpoint with --{2} FILE, put it there, or try the "
                          "program with --{2} random:SALT (features without meaning)",
                          file_name, fmt::join(places, " nor "), flag));
}

}  // namespace hipt::io
