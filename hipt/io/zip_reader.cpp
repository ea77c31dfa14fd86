#include "hipt/io/zip_reader.h"

#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

constexpr std::size_t kMaxDeflateRatio = 1100;  // deflate gains a little more than a thousandfold at best

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

[[noreturn]] void throw_archive(archive* source, std::string_view what) {
  const char* const reason = archive_error_string(source);
  throw Error(ErrorCode::Corrupt, fmt::format("{}: {}", what, reason != nullptr ? reason : "damaged zip archive"));
}

Archive open_zip(const MappedFile& file, std::size_t block_bytes) {
  Archive source(archive_read_new(), &archive_read_free);
  if (!source) throw std::bad_alloc();
  archive_read_support_format_zip_seekable(source.get());
  if (archive_read_open_memory2(source.get(), file.bytes().data(), file.bytes().size(), block_bytes) != ARCHIVE_OK) {
    throw_archive(source.get(), "zip directory");
  }
  return source;
}

// One block of an entry: empty at its end.
std::span<const std::byte> next_block(archive* source, std::string_view name) {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int status = archive_read_data_block(source, &data, &size, &offset);
  if (status == ARCHIVE_EOF) return {};
  if (status != ARCHIVE_OK) throw_archive(source, name);
  return {static_cast<const std::byte*>(data), size};
}

// Blocks of a stored entry lie one behind the other in the mapped file: together they are a view of it. Blocks of a
// compressed entry, and of one whose header straddles two blocks, are copied.
ZipRecord read_entry(archive* source, std::string_view name, const std::shared_ptr<const MappedFile>& file) {
  const std::span<const std::byte> mapped = file->bytes();
  const auto is_mapped = [&](const std::byte* data) {
    return data >= mapped.data() && data < mapped.data() + mapped.size();
  };
  std::span<const std::byte> block = next_block(source, name);
  std::span<const std::byte> view;
  if (!block.empty() && is_mapped(block.data())) view = block.first(0);
  while (!block.empty() && view.data() != nullptr && block.data() == view.data() + view.size()) {
    view = {view.data(), view.size() + block.size()};
    block = next_block(source, name);
  }
  if (block.empty()) return {file, view};
  auto copy = std::make_shared<std::vector<std::byte>>(view.begin(), view.end());
  for (; !block.empty(); block = next_block(source, name)) {
    if (copy->size() / kMaxDeflateRatio > mapped.size())
      throw Error(ErrorCode::Corrupt, fmt::format("{}: too long", name));
    copy->insert(copy->end(), block.begin(), block.end());
  }
  return {copy, *copy};
}

}  // namespace

ZipRecords read_zip(const std::shared_ptr<const MappedFile>& file, const std::function<bool(std::string_view)>& wanted,
                    std::size_t block_bytes) {
  const Archive source = open_zip(*file, block_bytes);
  ZipRecords records;
  archive_entry* entry = nullptr;
  for (;;) {
    const int status = archive_read_next_header(source.get(), &entry);
    if (status == ARCHIVE_EOF) return records;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw_archive(source.get(), "zip directory");
    const char* const pathname = archive_entry_pathname(entry);
    if (pathname == nullptr) continue;
    std::string_view name = pathname;
    if (const std::size_t folder = name.find('/'); folder != std::string_view::npos) name.remove_prefix(folder + 1);
    if (wanted(name) && !records.contains(name)) {
      const std::string kept(name);
      records.emplace(kept, read_entry(source.get(), kept, file));
    }
  }
}

}  // namespace hipt::io
