#include "test/support/npz.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "hipt/io/npy.h"

#include "test/support/support.h"

namespace hipt::test {

std::map<std::string, Array> read_npz(const std::filesystem::path& file) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> zip(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(zip.get());
  if (archive_read_open_filename(zip.get(), file.c_str(), 1 << 16) != ARCHIVE_OK) {
    throw Error(ErrorCode::NotFound, file.string() + ": " + archive_error_string(zip.get()));
  }
  const TemporaryFolder folder;
  std::map<std::string, Array> arrays;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(zip.get(), &entry) == ARCHIVE_OK) {
    std::string name = archive_entry_pathname(entry);
    std::string content;
    char buffer[1 << 16];
    for (la_ssize_t count = 0; (count = archive_read_data(zip.get(), buffer, sizeof buffer)) > 0;) {
      content.append(buffer, static_cast<std::size_t>(count));
    }
    const std::filesystem::path npy = folder / "array.npy";
    write_text(npy, content);
    name.resize(name.size() - std::string_view(".npy").size());
    arrays.emplace(std::move(name), io::read_npy(npy).clone());
  }
  return arrays;
}

}  // namespace hipt::test
