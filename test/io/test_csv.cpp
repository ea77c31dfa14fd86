#include <doctest/doctest.h>

#include "hipt/io/csv.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;
using Row = std::vector<std::string>;

TEST_CASE("csv text equals what pandas writes") {
  // Made by Python's csv.writer(quoting=QUOTE_MINIMAL, lineterminator="\n"), by which DataFrame.to_csv writes.
  const test::TemporaryFolder folder;
  const io::CsvTable table{
      {"slide_id", "status, text", "note"},
      {{"a.svs", "processed", ""}, {"b, c.svs", "says \"no\"", "two\nlines"}, {" d ", "ü", "1.0"}}};
  io::write_csv(folder / "t.csv", table);
  CHECK(
      test::read_text(folder / "t.csv") ==
      "slide_id,\"status, text\",note\na.svs,processed,\n\"b, c.svs\",\"says \"\"no\"\"\",\"two\nlines\"\n d ,ü,1.0\n");
  const io::CsvTable back = io::read_csv(folder / "t.csv");
  CHECK(back.columns == table.columns);
  CHECK(back.rows == table.rows);
  CHECK(back.column("note") == 2u);
  CHECK_FALSE(back.column("slide").has_value());
}

TEST_CASE("csv of one column keeps empty fields") {
  const test::TemporaryFolder folder;
  io::write_csv(folder / "t.csv", {{"slide"}, {{""}, {"x"}}});
  CHECK(test::read_text(folder / "t.csv") == "slide\n\"\"\nx\n");
  CHECK(io::read_csv(folder / "t.csv").rows == std::vector<Row>{{""}, {"x"}});
}

TEST_CASE("csv of spreadsheets is read: byte-order mark and CRLF and blank lines and short rows and no last line end") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "t.csv", "\xef\xbb\xbfslide,mpp\r\na.svs,0.25\r\n\r\nb.svs\r\n\"c\r\nd\",");
  const io::CsvTable table = io::read_csv(folder / "t.csv");
  CHECK(table.columns == Row{"slide", "mpp"});
  CHECK(table.rows == std::vector<Row>{{"a.svs", "0.25"}, {"b.svs", ""}, {"c\r\nd", ""}});
}

TEST_CASE("csv errors name the file and the row") {
  const test::TemporaryFolder folder;
  const auto message_of = [&](std::string_view text) {
    test::write_text(folder / "t.csv", text);
    std::string message;
    CHECK(error_of([&] { io::read_csv(folder / "t.csv"); }, &message) == ErrorCode::Corrupt);
    CHECK(message.find("t.csv") != std::string::npos);
    return message;
  };
  message_of("");
  CHECK(message_of("a,b\n1,2\n1,2,3\n").find("row 3") != std::string::npos);
  CHECK(message_of("a,b\n1,\"open\n").find("row 2") != std::string::npos);
  CHECK(message_of("a,b\n1,\"x\"y\n").find("row 2") != std::string::npos);
  CHECK(error_of([&] { io::read_csv(folder / "absent.csv"); }) == ErrorCode::NotFound);
}

TEST_CASE("csv reads a published table of TCGA cases") {
  const auto path = test::shared_data("survival/tcga-clinical");
  if (!path) return test::skip("shared data survival/tcga-clinical is absent");
  std::size_t tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*path)) {
    if (entry.path().extension() != ".csv") continue;
    const io::CsvTable table = io::read_csv(entry.path());
    CHECK(table.column("slide_id").has_value());
    CHECK(table.rows.size() > 50);
    ++tables;
  }
  CHECK(tables == 14);
}
