#include "hipt/io/byte_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"

namespace hipt::io {
namespace {

[[noreturn]] void throw_system_error(const std::filesystem::path& path, std::string_view what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  throw Error(number == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
              fmt::format("{}: {}: {}{}", final_name(path).string(), what, std::strerror(number),
                          full ? "; make room on the disk, or write to another one" : ""));
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& file) {
  const std::shared_ptr<MappedFile> mapped(new MappedFile(file));
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error(file, "cannot be opened for reading", errno);
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw Error(ErrorCode::Io, fmt::format("{}: is not a regular file", file.string()));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > 0) {
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int number = errno;
    ::close(descriptor);
    if (memory == MAP_FAILED) throw_system_error(file, "cannot be mapped", number);
    mapped->data_ = static_cast<const std::byte*>(memory);
    mapped->size_ = size;
  } else {
    ::close(descriptor);
  }
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::forget(std::span<const std::byte> part) const {
  madvise(const_cast<std::byte*>(part.data()), part.size(), MADV_DONTNEED);  // only advice: a refusal does no harm
}

ByteWriter::ByteWriter(const std::filesystem::path& file) : path_(file) {
  descriptor_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    throw Error(ErrorCode::Io,
                fmt::format("{}: cannot be opened for writing: {}", file.string(), std::strerror(errno)));
  }
}

ByteWriter::~ByteWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ByteWriter::write(std::span<const std::byte> bytes) {
  write_at(position_, bytes);
  position_ += bytes.size();
}

void ByteWriter::patch(std::uint64_t offset, std::string_view text) {
  if (offset + text.size() > position_) throw Error(ErrorCode::Internal, "a patch beyond what was written");
  write_at(offset, std::as_bytes(std::span(text.data(), text.size())));
}

void ByteWriter::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (descriptor_ < 0) throw Error(ErrorCode::Internal, "a write after close");
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw_system_error(path_, "writing failed", count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void ByteWriter::close() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (descriptor >= 0 && ::close(descriptor) != 0) throw_system_error(path_, "writing failed", errno);
}

}  // namespace hipt::io
