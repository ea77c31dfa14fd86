#include "hipt/slide/slide_files.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"

namespace hipt::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostIndexBytes = 16 << 20;  // of a .vms; real ones have a few kB

std::string lower_extension(const fs::path& path) {
  return lower_case(path.extension().string());
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

bool is_dicom(const std::string& extension) {
  return extension == ".dcm" || extension == ".dicom";
}

void add_series(const fs::path& slide, const std::string& extension, std::set<fs::path>& files) {
  const fs::path beside = slide.parent_path();
  const std::optional<std::string> series = dicom_series(slide);
  std::error_code failure;
  fs::directory_iterator entries(beside.empty() ? fs::path(".") : beside, failure);
  if (failure) fail(beside, failure);
  for (; entries != fs::directory_iterator(); entries.increment(failure)) {
    if (failure) fail(beside, failure);
    const fs::path& path = entries->path();
    if (lower_extension(path) != extension || !is_file(path)) continue;
    if (!series || dicom_series(path) == series) files.insert(path.filename());
  }
  if (failure) fail(beside, failure);
}

}  // namespace

std::optional<std::string> dicom_series(const fs::path& file) {
  using namespace std::string_view_literals;
  // (0020,000E) with an explicit type, little-endian, as every file of pixels that OpenSlide reads has it.
  constexpr std::string_view kTag = "\x20\x00\x0E\x00UI"sv;
  constexpr std::size_t kHeaderBytes = 1 << 16;
  if (!is_dicom(lower_extension(file))) return std::nullopt;
  std::string header(kHeaderBytes, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  header.resize(static_cast<std::size_t>(stream.gcount()));
  const std::size_t tag =
      header.size() > 132 && header.compare(128, 4, "DICM") == 0 ? header.find(kTag, 132) : std::string::npos;
  const std::size_t value = tag + kTag.size() + 2;
  if (tag == std::string::npos || value > header.size()) return std::nullopt;
  const std::size_t length =
      static_cast<unsigned char>(header[value - 2]) + std::size_t{256} * static_cast<unsigned char>(header[value - 1]);
  std::string series = header.substr(value, length);
  while (series.ends_with('\0')) series.pop_back();
  const bool is_uid =
      !series.empty() && series.size() <= 64 && series.find_first_not_of("0123456789.") == std::string::npos;
  return is_uid ? std::optional(series) : std::nullopt;
}

std::vector<fs::path> dicom_files(const fs::path& folder) {
  std::error_code failure;
  fs::directory_iterator entries(folder, failure);
  if (failure) return {};
  std::vector<fs::path> files;
  for (; entries != fs::directory_iterator(); entries.increment(failure)) {
    const fs::path& path = entries->path();
    if (path.filename().string().starts_with('.')) continue;
    if (!is_dicom(lower_extension(path)) || !is_file(path)) return {};
    files.push_back(path);
  }
  if (failure) return {};
  std::ranges::sort(files);
  const std::optional<std::string> series = files.empty() ? std::nullopt : dicom_series(files.front());
  const bool is_one =
      series && std::ranges::all_of(files, [&](const fs::path& file) { return dicom_series(file) == series; });
  return is_one ? files : std::vector<fs::path>();
}

std::vector<fs::path> files_of_slide(const fs::path& slide) {
  std::error_code failure;
  if (const std::vector<fs::path> parts = dicom_files(slide); !parts.empty()) {
    std::vector<fs::path> files;
    for (const fs::path& part : parts) files.push_back(slide.filename() / part.filename());
    return files;
  }
  static_cast<void>(fs::file_size(slide, failure));
  if (failure) fail(slide, failure);
  const std::string extension = lower_extension(slide);
  std::set<fs::path> others;
  if (extension == ".mrxs") add_folder(slide.parent_path(), slide.stem(), others);
  if (extension == ".vms" || extension == ".vmu") add_named(slide, others);
  if (is_dicom(extension)) add_series(slide, extension, others);
  others.erase(slide.filename());
  std::vector<fs::path> files = {slide.filename()};
  files.insert(files.end(), others.begin(), others.end());
  return files;
}

}  // namespace hipt::slide
