// Tar archives read back by libarchive; Python's tarfile reads them in test/interop.

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include "hipt/base/sha256.h"
#include "hipt/io/tar.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

struct Member {
  std::string name;
  std::string content;
  bool operator==(const Member&) const = default;
};

std::vector<Member> members_of(const std::filesystem::path& file) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(), &archive_read_free);
  archive_read_support_format_tar(tar.get());
  REQUIRE(archive_read_open_filename(tar.get(), file.c_str(), 4096) == ARCHIVE_OK);
  std::vector<Member> members;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(tar.get(), &entry) == ARCHIVE_OK) {
    CHECK(archive_entry_mtime(entry) == 0);
    CHECK(archive_entry_uid(entry) == 0);
    CHECK(archive_entry_gid(entry) == 0);
    CHECK(archive_entry_perm(entry) == 0644);
    Member& member = members.emplace_back(Member{archive_entry_pathname(entry), {}});
    member.content.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    CHECK(archive_read_data(tar.get(), member.content.data(), member.content.size()) ==
          static_cast<la_ssize_t>(member.content.size()));
  }
  return members;
}

std::vector<Member> examples() {
  return {{"__hipt__", "{}"},
          {"slide_0_256.png", std::string(100000, 'p')},
          {"slide_0_256.json", ""},
          {"folder/" + std::string(250, 'n') + ".png", "a long name"},
          {std::string(120, 'd') + "/" + std::string(120, 'e'), "split between two fields"}};
}

void write_tar(const std::filesystem::path& file, const std::vector<Member>& members) {
  io::TarWriter writer(file);
  for (const Member& member : members) writer.add(member.name, member.content);
  writer.close();
}

}  // namespace

TEST_CASE("a tar archive reads back and its bytes are a function of its members") {
  const test::TemporaryFolder folder;
  write_tar(folder / "a.tar", examples());
  write_tar(folder / "b.tar", examples());
  CHECK(members_of(folder / "a.tar") == examples());
  CHECK(test::read_text(folder / "a.tar") == test::read_text(folder / "b.tar"));
  CHECK(std::filesystem::file_size(folder / "a.tar") % 512 == 0);
  write_tar(folder / "empty.tar", {});
  CHECK(members_of(folder / "empty.tar").empty());
}

TEST_CASE("a tar archive's names stay inside the folder that it is unpacked in") {
  const test::TemporaryFolder folder;
  io::TarWriter writer(folder / "a.tar");
  for (const std::string& name :
       {std::string(), std::string("/etc/passwd"), std::string("../up"), std::string("a/../b"), std::string("a//b"),
        std::string("a/"), std::string("./a"), std::string(5000, 'a'), std::string("a\0b", 3), std::string("..")}) {
    CHECK_MESSAGE(error_of([&] { writer.add(name, "content"); }) == ErrorCode::InvalidArgument, name);
  }
  writer.add("..a", "content");
  writer.close();
  CHECK(members_of(folder / "a.tar") == std::vector<Member>{{"..a", "content"}});
}

TEST_CASE("a tar archive on a full disk is an error that names it") {
  std::string message;
  const auto fill = [] {
    io::TarWriter writer("/dev/full");
    for (int i = 0; i < 100; ++i) writer.add("member", std::string(10000, 'x'));
    writer.close();
  };
  CHECK(error_of(fill, &message) == ErrorCode::Io);
  CHECK_MESSAGE(message.find("/dev/full: writing failed: ") == 0, message);
  CHECK_MESSAGE(message.find("make room on the disk") != std::string::npos, message);
  const test::TemporaryFolder folder;
  CHECK(error_of([&] { io::TarWriter writer(folder / "no/such.tar"); }) == ErrorCode::Io);
}

TEST_CASE("a tar archive's first member is found and bounded") {
  const test::TemporaryFolder folder;
  write_tar(folder / "a.tar", examples());
  CHECK(io::first_tar_member(folder / "a.tar", "__hipt__", 100) == "{}");
  CHECK_FALSE(io::first_tar_member(folder / "a.tar", "slide_0_256.png", 1 << 20));
  CHECK(error_of([&] { io::first_tar_member(folder / "a.tar", "__hipt__", 1); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { io::first_tar_member(folder / "no.tar", "__hipt__", 1); }) == ErrorCode::NotFound);
  test::write_text(folder / "text.tar", "not an archive");
  CHECK(error_of([&] { io::first_tar_member(folder / "text.tar", "__hipt__", 1); }) == ErrorCode::Corrupt);
  test::write_text(folder / "cut.tar", test::read_text(folder / "a.tar").substr(0, 513));
  CHECK(error_of([&] { io::first_tar_member(folder / "cut.tar", "__hipt__", 100); }) == ErrorCode::Corrupt);
}
