#include <chrono>
#include <fstream>
#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/io/atomic_file.h"
#include "hipt/io/byte_file.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("atomic file appears on commit and only then") {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "deep/er/slide.pt";
  {
    io::AtomicFile file(path);
    CHECK(file.temporary_path().parent_path() == path.parent_path());
    CHECK(file.temporary_path().extension() == ".pt");
    CHECK(file.temporary_path().filename().string().starts_with("slide.tmp-"));
    test::write_text(file.temporary_path(), "features");
    CHECK_FALSE(std::filesystem::exists(path));
    file.commit();
    CHECK(test::read_text(path) == "features");
  }
  CHECK(entries(path.parent_path()) == 1);
}

TEST_CASE("atomic file without a commit leaves nothing and keeps what was there") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "a.csv", "old");
  {
    io::AtomicFile file(folder / "a.csv");
    test::write_text(file.temporary_path(), "half of the n");
  }
  CHECK(test::read_text(folder / "a.csv") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("atomic file's name stands in messages in place of the temporary one") {
  CHECK(io::final_name("a/slide.1.tmp-00ff-12-34.pt") == "a/slide.1.pt");
  CHECK(io::final_name("a/slide.tmp-00ff-12-34") == "a/slide");
  CHECK(io::final_name("a.tmp-1/slide.pt") == "a.tmp-1/slide.pt");
  const test::TemporaryFolder folder;
  const io::AtomicFile file(folder / "slide.tar");
  CHECK(io::final_name(file.temporary_path()) == file.path());

  std::filesystem::create_symlink("/dev/full", file.temporary_path());
  std::string message;
  CHECK(error_of([&] { io::ByteWriter(file.temporary_path()).write("more than fits"); }, &message) == ErrorCode::Io);
  CHECK_MESSAGE(message.starts_with((folder / "slide.tar").string() + ": writing failed: "), message);
  CHECK_MESSAGE(message.find("make room on the disk") != std::string::npos, message);
}

TEST_CASE("atomic file reports what the system refuses") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "");
  std::string message;
  CHECK(error_of([&] { io::AtomicFile file(folder / "file/under.pt"); }, &message) == ErrorCode::Io);
  CHECK(message.find("file") != std::string::npos);
  CHECK(error_of([&] {
          io::AtomicFile file(folder / "x.pt");
          file.commit();
        }) == ErrorCode::Io);
  CHECK(error_of([&] { io::AtomicFile file(folder.path() / ""); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("text files are written and read whole") {
  const test::TemporaryFolder folder;
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "one line\n"sv, "zero \0 inside"sv}) {
    io::write_text_file(folder / "t.txt", text);
    CHECK(io::read_text_file(folder / "t.txt") == text);
  }
  CHECK(error_of([&] { io::read_text_file(folder / "absent.txt"); }) == ErrorCode::NotFound);
  CHECK(error_of([&] { io::read_text_file(folder.path()); }) == ErrorCode::Io);
}

TEST_CASE("stale temporaries of dead writers are removed and others kept") {
  const test::TemporaryFolder folder;
  const io::AtomicFile living(folder / "living.pt");
  test::write_text(living.temporary_path(), "x");
  const pid_t child = fork();
  if (child == 0) {
    const io::AtomicFile killed(folder / "killed.pt");
    std::ofstream(killed.temporary_path()) << "x" << std::flush;
    _exit(0);  // as kill -9: no destructor runs
  }
  REQUIRE(child > 0);
  waitpid(child, nullptr, 0);
  test::write_text(folder / "other.tmp-00000000-1-00000000.pt", "of another machine, new");
  test::write_text(folder / "old.tmp-00000000-1-00000000.pt", "of another machine, old");
  std::filesystem::last_write_time(folder / "old.tmp-00000000-1-00000000.pt",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(30));
  test::write_text(folder / "slide.pt", "an output");
  REQUIRE(entries(folder.path()) == 5);

  io::remove_stale_temporaries(folder.path());

  CHECK(entries(folder.path()) == 3);
  CHECK(std::filesystem::exists(living.temporary_path()));
  CHECK(std::filesystem::exists(folder / "other.tmp-00000000-1-00000000.pt"));
  CHECK(std::filesystem::exists(folder / "slide.pt"));
  io::remove_stale_temporaries(folder / "absent");
}

TEST_CASE("atomic folder appears whole and in place of what was there") {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "deep/slide.1";
  for (const std::string name : {"old", "new"}) {
    io::AtomicFolder set(path);
    test::write_text(set.temporary_path() / (name + ".png"), name);
    if (name == "old") CHECK_FALSE(std::filesystem::exists(path));
    set.commit();
    CHECK(entries(path) == 1);
    CHECK(test::read_text(path / (name + ".png")) == name);
    CHECK(entries(path.parent_path()) == 1);
  }
  {
    io::AtomicFolder set(path);
    test::write_text(set.temporary_path() / "half.png", "half");
    CHECK(io::final_name(set.temporary_path()) == path);
    CHECK(io::final_name(set.temporary_path() / "half.png") == path / "half.png");
  }
  CHECK(entries(path.parent_path()) == 1);
  CHECK(test::read_text(path / "new.png") == "new");
}

TEST_CASE("files that are committed together get their names at once and those that are not leave nothing") {
  const test::TemporaryFolder folder;
  {
    std::vector<std::unique_ptr<io::AtomicFile>> files;
    for (const char* const name : {"a.txt", "b.txt"}) {
      files.push_back(std::make_unique<io::AtomicFile>(folder / name));
      test::write_text(files.back()->temporary_path(), name);
    }
    const io::AtomicFile dropped(folder / "c.txt");
    test::write_text(dropped.temporary_path(), "c");
    CHECK_FALSE(std::filesystem::exists(folder / "a.txt"));
    io::commit_together(files);
    io::commit_together({});
    CHECK(test::read_text(folder / "a.txt") == "a.txt");
    CHECK(test::read_text(folder / "b.txt") == "b.txt");
  }
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("atomic folder of a killed run is removed and nobody else's") {
  const test::TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    io::AtomicFolder set(folder / "slide.1");
    test::write_text(set.temporary_path() / "half.png", "half");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const io::AtomicFolder alive(folder / "slide.2");
  const std::filesystem::path foreign = folder / "notes.tmp-of-the-user";
  std::filesystem::create_directory(foreign);
  std::filesystem::last_write_time(foreign, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1000));
  CHECK(entries(folder.path()) == 3);
  io::remove_stale_temporaries(folder.path());
  CHECK(entries(folder.path()) == 2);
  CHECK(std::filesystem::exists(alive.temporary_path()));
  CHECK(std::filesystem::exists(foreign));
}
