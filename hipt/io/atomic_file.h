#pragma once
// Outputs are written under a temporary name and renamed: a file that exists is whole.

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace hipt::io {

// Writes happen to temporary_path() (same folder, unique name, ends with the same extension after ".tmp-<unique>");
// commit() syncs it to disk and renames it over `path`; a file of the same bytes there is left alone, so that a name
// given is not given again (a run that was killed between two files of a slide makes both once more). Without a commit
// the destructor removes the temporary file.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);  // makes the folder when missing
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& temporary_path() const { return temporary_; }
  void commit();

 private:
  friend void commit_together(std::span<const std::unique_ptr<AtomicFile>> files);
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

// Commits many small files of one folder with one sync of the disk: one for each costs more than writing them.
void commit_together(std::span<const std::unique_ptr<AtomicFile>> files);

// The same for a folder of many files: written under temporary_path(), which exists from the start, and renamed to
// `path` by commit(), which first moves away and then removes what was there.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::filesystem::path path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& temporary_path() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

// The name that a file or a file in an AtomicFolder will get: "slide.tmp-<unique>.pt" is "slide.pt", any other name
// itself. For messages.
std::filesystem::path final_name(const std::filesystem::path& file);

// A whole small text file, atomically.
void write_text_file(const std::filesystem::path& path, std::string_view text);
std::string read_text_file(const std::filesystem::path& path);

// Removes what killed runs left in `folder`: temporary files and folders of ours (".tmp-" names) whose writer is not
// alive or that are older than a day.
void remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace hipt::io
