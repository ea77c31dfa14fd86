#include "hipt/slide/slide_files.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostIndexBytes = 16 << 20;  // of a .vms; real ones have a few kB

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

[[noreturn]] void fail(const fs::path& path, const std::error_code& failure) {
  const bool absent = failure == std::errc::no_such_file_or_directory;
  throw Error(absent ? ErrorCode::NotFound : ErrorCode::Io, fmt::format("{}: {}", path.string(), failure.message()));
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// Every file below the folder `name` of `beside`.
void add_folder(const fs::path& beside, const fs::path& name, std::set<fs::path>& files) {
  std::error_code failure;
  fs::recursive_directory_iterator entries(beside / name, failure);
  if (failure == std::errc::no_such_file_or_directory) return;  // the reader will say what it misses
  if (failure) fail(beside / name, failure);
  for (; entries != fs::recursive_directory_iterator(); entries.increment(failure)) {
    if (failure) fail(beside / name, failure);
    if (is_file(entries->path())) files.insert(name / entries->path().lexically_relative(beside / name));
  }
  if (failure) fail(beside / name, failure);
}

// "ImageFile(1,0)=a.jpg": values of an index that are files beside it. Names that lead elsewhere are not followed.
void add_named(const fs::path& index, std::set<fs::path>& files) {
  std::error_code failure;
  if (fs::file_size(index, failure) > kMostIndexBytes || failure) return;
  std::ifstream stream(index, std::ios::binary);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    if (line.ends_with('\r')) line.pop_back();
    const fs::path name = line.substr(equals + 1);
    if (!name.empty() && name == name.filename() && is_file(index.parent_path() / name)) files.insert(name);
  }
}

void add_neighbours(const fs::path& beside, const std::string& extension, std::set<fs::path>& files) {
  std::error_code failure;
  fs::directory_iterator entries(beside.empty() ? fs::path(".") : beside, failure);
  if (failure) fail(beside, failure);
  for (; entries != fs::directory_iterator(); entries.increment(failure)) {
    if (failure) fail(beside, failure);
    const fs::path& path = entries->path();
    if (lower_extension(path) == extension && is_file(path)) files.insert(path.filename());
  }
  if (failure) fail(beside, failure);
}

}  // namespace

std::vector<fs::path> files_of_slide(const fs::path& slide) {
  std::error_code failure;
  static_cast<void>(fs::file_size(slide, failure));
  if (failure) fail(slide, failure);
  const std::string extension = lower_extension(slide);
  std::set<fs::path> others;
  if (extension == ".mrxs") add_folder(slide.parent_path(), slide.stem(), others);
  if (extension == ".vms" || extension == ".vmu") add_named(slide, others);
  if (extension == ".dcm" || extension == ".dicom") add_neighbours(slide.parent_path(), extension, others);
  others.erase(slide.filename());
  std::vector<fs::path> files = {slide.filename()};
  files.insert(files.end(), others.begin(), others.end());
  return files;
}

}  // namespace hipt::slide
