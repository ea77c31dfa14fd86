#include "hipt/io/atomic_file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/base/formula.h"
#include "hipt/io/byte_file.h"

namespace hipt::io {
namespace {

constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr auto kStaleAge = std::chrono::hours(24);

// Names this machine since its last start: a process number means something only within it.
std::string machine_mark() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  return fmt::format("{:08x}", fnv1a64(fmt::format("{}:{}", host.data(), boot)) >> 32);
}

// "<machine>-<process>-<random>"
std::string unique_text() {
  static std::atomic<std::uint32_t> counter{std::random_device{}()};
  return fmt::format("{}-{}-{:08x}", machine_mark(), getpid(), counter.fetch_add(1));
}

// "slide.pt" -> "slide.tmp-<unique>.pt": the extension stays, for writers that look at it.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::filesystem::path name = path.stem();
  name += fmt::format("{}{}{}", kTemporaryMark, unique_text(), path.extension().string());
  return path.parent_path() / name;
}

void sync_to_disk(const std::filesystem::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: cannot be opened: {}", final_name(path).string(), std::strerror(errno)));
  }
  const int failed = fsync(descriptor);
  const int number = errno;
  close(descriptor);
  // Some network and FUSE file systems refuse fsync on a folder; the rename stands all the same.
  if (failed != 0 && number != EINVAL && number != EROFS) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: cannot be synced to disk: {}", final_name(path).string(), std::strerror(number)));
  }
}

// Whether `file_name` ends as temporary_name() makes the name of a folder: only such folders may be removed with all
// that is in them.
bool is_temporary_folder_name(std::string_view file_name) {
  const std::size_t mark = file_name.rfind(kTemporaryMark);
  if (mark == std::string_view::npos) return false;
  std::string_view rest = file_name.substr(mark + kTemporaryMark.size());
  const auto take = [&rest](std::string_view allowed) {
    const std::size_t length = std::min(rest.find_first_not_of(allowed), rest.size());
    rest.remove_prefix(length);
    return length;
  };
  const auto dash = [&] { return take("-") == 1; };
  return take("0123456789abcdef") == 8 && dash() && take("0123456789") > 0 && dash() && take("0123456789abcdef") == 8 &&
         rest.empty();
}

bool same_content(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(a, failure);
  if (failure || std::filesystem::file_size(b, failure) != size || failure) return false;
  std::ifstream first(a, std::ios::binary), second(b, std::ios::binary);
  std::array<char, 65536> of_first{}, of_second{};
  while (first && second) {
    first.read(of_first.data(), of_first.size());
    second.read(of_second.data(), of_second.size());
    const auto count = static_cast<std::size_t>(first.gcount());
    if (first.gcount() != second.gcount() || std::memcmp(of_first.data(), of_second.data(), count) != 0) return false;
  }
  return first.eof() && second.eof();
}

// The process that wrote a temporary file of this machine; 0 when the name is not ours or of another machine.
pid_t writer_of(std::string_view file_name) {
  const std::size_t mark = file_name.rfind(kTemporaryMark);
  const std::string prefix = fmt::format("{}{}-", kTemporaryMark, machine_mark());
  if (mark == std::string_view::npos || file_name.compare(mark, prefix.size(), prefix) != 0) return 0;
  pid_t writer = 0;
  const char* const begin = file_name.data() + mark + prefix.size();
  std::from_chars(begin, file_name.data() + file_name.size(), writer);
  return writer;
}

// A folder's name has no extension that would have to stay at the end.
std::filesystem::path temporary_folder(const std::filesystem::path& path) {
  return path.parent_path() / (path.filename().string() + std::string(kTemporaryMark) + unique_text());
}

// One call for any number of files.
void sync_file_system(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int failed = descriptor < 0 ? -1 : syncfs(descriptor);
  const int number = errno;
  if (descriptor >= 0) close(descriptor);
  if (failed != 0) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: cannot be synced to disk: {}", final_name(folder).string(), std::strerror(number)));
  }
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: the folder cannot be made: {}", final_name(folder).string(), failure.message()));
  }
}

void rename_over(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code failure;
  std::filesystem::rename(from, to, failure);
  if (failure) {
    throw Error(ErrorCode::Io, fmt::format("{}: cannot be put in place: {}", to.string(), failure.message()));
  }
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  if (path_.filename().empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" does not name a file", path_.string()));
  }
  if (path_.has_parent_path()) make_folders(path_.parent_path());
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  if (same_content(temporary_, path_)) return;  // the destructor removes ours
  sync_to_disk(temporary_, O_RDONLY);
  rename_over(temporary_, path_);
  committed_ = true;
  sync_to_disk(parent_of(path_), O_RDONLY | O_DIRECTORY);
}

void commit_together(std::span<const std::unique_ptr<AtomicFile>> files) {
  if (files.empty()) return;
  const std::filesystem::path folder = parent_of(files.front()->path_);
  sync_file_system(folder);
  for (const std::unique_ptr<AtomicFile>& file : files) {
    if (same_content(file->temporary_, file->path_)) continue;
    rename_over(file->temporary_, file->path_);
    file->committed_ = true;
  }
  sync_to_disk(folder, O_RDONLY | O_DIRECTORY);
}

AtomicFolder::AtomicFolder(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_folder(path_)) {
  make_folders(temporary_);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);  // after a commit: nothing
}

void AtomicFolder::commit() {
  sync_file_system(temporary_);
  std::error_code ignored;
  const std::filesystem::path old = temporary_folder(path_);
  std::filesystem::rename(path_, old, ignored);  // fails where nothing was there
  rename_over(temporary_, path_);
  sync_to_disk(parent_of(path_), O_RDONLY | O_DIRECTORY);
  std::filesystem::remove_all(old, ignored);
}

std::filesystem::path final_name(const std::filesystem::path& file) {
  const auto without_mark = [](std::string name) {
    const std::size_t mark = name.rfind(kTemporaryMark);
    if (mark == std::string::npos) return name;
    return name.erase(mark, std::min(name.find('.', mark + 1), name.size()) - mark);
  };
  const std::filesystem::path folder = file.parent_path();
  const bool inside = is_temporary_folder_name(folder.filename().string());
  return (inside ? folder.parent_path() / without_mark(folder.filename().string()) : folder) /
         without_mark(file.filename().string());
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  ByteWriter writer(file.temporary_path());
  writer.write(text);
  writer.close();
  file.commit();
}

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    throw Error(ErrorCode::NotFound, fmt::format("{}: no such file", path.string()));
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream.peek() != std::ifstream::traits_type::eof()) text << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || !text) {
    throw Error(ErrorCode::Io, fmt::format("{}: cannot be read", path.string()));
  }
  return std::move(text).str();
}

void remove_stale_temporaries(const std::filesystem::path& folder) {
  std::error_code ignored;
  const auto oldest = std::filesystem::file_time_type::clock::now() - kStaleAge;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = entry.is_regular_file(ignored) ? name.find(kTemporaryMark) != std::string::npos
                                                        : entry.is_directory(ignored) && is_temporary_folder_name(name);
    if (!is_ours) continue;
    const pid_t writer = writer_of(name);
    const bool writer_is_dead = writer > 0 && kill(writer, 0) != 0 && errno == ESRCH;
    const auto written = entry.last_write_time(ignored);
    if (writer_is_dead || (!ignored && written < oldest)) std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace hipt::io
