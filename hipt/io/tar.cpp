#include "hipt/io/tar.h"

#include <exception>
#include <new>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/byte_file.h"

namespace hipt::io {
namespace {

constexpr std::size_t kMaxNameBytes = 4096;
constexpr int kBlockBytes = 1 << 16;  // of one write to the file
constexpr int kTarBlockBytes = 512;

using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

void check_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxNameBytes && name.find('\0') == std::string_view::npos;
  for (std::size_t begin = 0; good && begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    good = !part.empty() && part != "." && part != "..";
    begin = end + 1;
  }
  if (!good) throw Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" is no name for a member of an archive", name));
}

std::string reason_of(archive* source) {
  const char* const reason = archive_error_string(source);
  return reason != nullptr ? reason : "damaged tar archive";
}

}  // namespace

struct TarWriter::State {
  explicit State(const std::filesystem::path& path)
      : file(path), name(final_name(path).string()), tar(archive_write_new(), &archive_write_free) {}

  // No exception may cross libarchive: it is kept and thrown when libarchive has returned. Libarchive is not told,
  // because it would not free its buffers then; what it still writes is dropped.
  static la_ssize_t on_write(archive*, void* client, const void* data, std::size_t size) {
    auto& state = *static_cast<State*>(client);
    try {
      if (!state.abandoned) state.file.write({static_cast<const std::byte*>(data), size});
    } catch (...) {
      state.failure = std::current_exception();
      state.abandoned = true;
    }
    return static_cast<la_ssize_t>(size);
  }

  void check(la_ssize_t status) {
    if (failure) std::rethrow_exception(failure);
    if (status < 0) throw Error(ErrorCode::Io, fmt::format("{}: {}", name, reason_of(tar.get())));
  }

  ByteWriter file;
  std::string name;
  std::exception_ptr failure;
  bool abandoned = false;
  std::unique_ptr<archive, decltype(&archive_write_free)> tar;  // before `file` ends: it may still write
};

TarWriter::TarWriter(const std::filesystem::path& file) : state_(std::make_unique<State>(file)) {
  archive* const tar = state_->tar.get();
  if (tar == nullptr) throw std::bad_alloc();
  state_->check(archive_write_set_format_pax_restricted(tar));
  // Names are bytes: no locale decides what becomes of them.
  state_->check(archive_write_set_format_option(tar, "pax", "hdrcharset", "BINARY"));
  state_->check(archive_write_set_bytes_per_block(tar, kBlockBytes));
  state_->check(archive_write_set_bytes_in_last_block(tar, kTarBlockBytes));
  state_->check(archive_write_open(tar, state_.get(), nullptr, &State::on_write, nullptr));
}

TarWriter::~TarWriter() {
  state_->abandoned = true;  // an archive that was not closed is of no use
}

void TarWriter::add(std::string_view name, std::span<const std::byte> content) {
  check_name(name);
  const Entry entry(archive_entry_new(), &archive_entry_free);
  if (!entry) throw std::bad_alloc();
  archive_entry_copy_pathname(entry.get(), std::string(name).c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  state_->check(archive_write_header(state_->tar.get(), entry.get()));
  for (std::size_t written = 0; written < content.size();) {
    const la_ssize_t count = archive_write_data(state_->tar.get(), content.data() + written, content.size() - written);
    state_->check(count);
    written += static_cast<std::size_t>(count);
  }
}

void TarWriter::close() {
  state_->check(archive_write_close(state_->tar.get()));
  state_->file.close();
}

std::optional<std::string> first_tar_member(const std::filesystem::path& file, std::string_view name,
                                            std::size_t limit) {
  const auto mapped = MappedFile::open(file);
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(), &archive_read_free);
  if (!tar) throw std::bad_alloc();
  archive_read_support_format_tar(tar.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(tar.get(), mapped->bytes().data(), mapped->bytes().size()) != ARCHIVE_OK ||
      archive_read_next_header(tar.get(), &entry) != ARCHIVE_OK) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: {}", file.string(), reason_of(tar.get())));
  }
  const char* const pathname = archive_entry_pathname(entry);
  if (pathname == nullptr || pathname != name || archive_entry_filetype(entry) != AE_IFREG) return std::nullopt;
  const la_int64_t size = archive_entry_size(entry);
  if (size < 0 || static_cast<std::uint64_t>(size) > limit) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: {} has {} bytes", file.string(), name, size));
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  for (std::size_t read = 0; read < content.size();) {
    const la_ssize_t count = archive_read_data(tar.get(), content.data() + read, content.size() - read);
    if (count <= 0) throw Error(ErrorCode::Corrupt, fmt::format("{}: {}", file.string(), reason_of(tar.get())));
    read += static_cast<std::size_t>(count);
  }
  return content;
}

}  // namespace hipt::io
