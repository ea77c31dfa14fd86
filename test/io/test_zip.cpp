#include <algorithm>

#include <doctest/doctest.h>

#include "hipt/io/zip_reader.h"

#include "test/support/support.h"

using namespace hipt;

TEST_CASE("zip entries are the same whatever block size they are read by: oracle clam/layout features.pt") {
  // Entries of four gigabytes and more come in several blocks; here blocks are small instead.
  const auto file = io::MappedFile::open(test::golden("clam/layout/features.pt"));
  const auto everything = [](std::string_view) { return true; };
  const io::ZipRecords whole = io::read_zip(file, everything);
  REQUIRE(whole.contains("data/0"));
  CHECK(whole.at("data/0").owner == file);  // a view, no copy
  for (const std::size_t block_bytes : {1, 31, 64, 1000, 4096, 65536, 150000}) {
    CAPTURE(block_bytes);
    const io::ZipRecords records = io::read_zip(file, everything, block_bytes);
    CHECK(records.size() == whole.size());
    for (const auto& [name, record] : records) {
      CAPTURE(name);
      CHECK(std::ranges::equal(record.bytes, whole.at(name).bytes));
    }
  }
}

TEST_CASE("zip entries that are compressed are read too: test/cases/torch deflated.pt") {
  const auto file = io::MappedFile::open(test::source_dir() / "test/cases/torch/deflated.pt");
  const io::ZipRecords records = io::read_zip(file, [](std::string_view) { return true; });
  REQUIRE(records.contains("data/0"));
  CHECK(records.at("data/0").owner != file);
  CHECK(records.at("data/0").bytes.size() == 16);
}
