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

// "slide.pt" -> "slide.tmp-<machine>-<process>-<random>.pt": the extension stays, for writers that look at it.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<std::uint32_t> counter{std::random_device{}()};
  const std::string unique = fmt::format("{}-{}-{:08x}", machine_mark(), getpid(), counter.fetch_add(1));
  std::filesystem::path name = path.stem();
  name += fmt::format("{}{}{}", kTemporaryMark, unique, path.extension().string());
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

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  if (path_.filename().empty()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" does not name a file", path_.string()));
  }
  std::error_code failure;
  if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), failure);
  if (failure) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: the folder cannot be made: {}", path_.parent_path().string(), failure.message()));
  }
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  sync_to_disk(temporary_, O_RDONLY);
  std::error_code failure;
  std::filesystem::rename(temporary_, path_, failure);
  if (failure) {
    throw Error(ErrorCode::Io, fmt::format("{}: cannot be put in place: {}", path_.string(), failure.message()));
  }
  committed_ = true;
  sync_to_disk(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."), O_RDONLY | O_DIRECTORY);
}

std::filesystem::path final_name(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  const std::size_t mark = name.rfind(kTemporaryMark);
  if (mark == std::string::npos) return file;
  const std::size_t end = std::min(name.find('.', mark + 1), name.size());
  name.erase(mark, end - mark);
  return file.parent_path() / name;
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
    if (name.find(kTemporaryMark) == std::string::npos || !entry.is_regular_file(ignored)) continue;
    const pid_t writer = writer_of(name);
    const bool writer_is_dead = writer > 0 && kill(writer, 0) != 0 && errno == ESRCH;
    const auto written = entry.last_write_time(ignored);
    if (writer_is_dead || (!ignored && written < oldest)) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace hipt::io
