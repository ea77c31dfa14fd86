#pragma once
// Tar archives by libarchive: ustar, with pax records for names that need them. Owner 0, mode 0644 and time 0, so that
// bytes depend on names and content alone.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hipt::io {

class TarWriter {
 public:
  // Creates or empties the file; give the temporary name of an AtomicFile. Throws Io, as do all that write.
  explicit TarWriter(const std::filesystem::path& file);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  // A regular file. Throws InvalidArgument for a name that is empty, absolute, longer than 4096 bytes or has a part
  // that is empty, "." or "..", or a zero byte.
  void add(std::string_view name, std::span<const std::byte> content);
  void add(std::string_view name, std::string_view content) {
    add(name, std::as_bytes(std::span(content.data(), content.size())));
  }
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The content of an archive's first member when it has this name, else nothing. Throws NotFound or Io, and Corrupt
// when the file is no tar archive or the member is longer than `limit` bytes, naming the file.
std::optional<std::string> first_tar_member(const std::filesystem::path& file, std::string_view name,
                                            std::size_t limit);

}  // namespace hipt::io
