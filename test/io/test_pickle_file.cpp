#include <doctest/doctest.h>

#include "hipt/io/pickle_file.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

// What one text array of a pickle reads back as.
std::string written_and_read(const std::filesystem::path& file, std::string_view text) {
  io::PickleWriter writer;
  writer.text_array(text);
  test::write_text(file, std::move(writer).finish());
  return std::get<std::string>(io::read_pickle_file(file).value);
}

}  // namespace

TEST_CASE("pickle: texts of NumPy beyond ASCII come back as they were") {
  const test::TemporaryFolder folder;
  for (const std::string_view text :
       {"", "TCGA-1", "Präparat", "切片", "\U0001F52C", "\x7f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff"}) {
    CHECK(written_and_read(folder / "text.pkl", text) == text);
  }
}

// The ill-formed sequences of RFC 3629, sections 3 and 10.
TEST_CASE("pickle: a text that is not UTF-8 is refused with its place") {
  for (const std::string_view text :
       {"a\x80", "a\xc0\x80", "a\xc1\xbf", "a\xe0\x80\xaf", "a\xed\xa0\x80", "a\xf4\x90\x80\x80",
        "a\xf8\x88\x80\x80\x80", "a\xe2\x82", "a\xc3", "a\xc3\x28", "a\xff"}) {
    std::string message;
    io::PickleWriter writer;
    CHECK(test::error_of([&] { writer.text_array(text); }, &message) == ErrorCode::Unsupported);
    CHECK(message.find("byte 1") != std::string::npos);
  }
}

TEST_CASE("pickle: a NumPy text with half a surrogate pair is refused") {
  const test::TemporaryFolder folder;
  io::PickleWriter writer;
  writer.text_array("a");
  std::string pickle = std::move(writer).finish();
  const std::size_t at = pickle.rfind(std::string("a\0\0\0", 4));
  REQUIRE(at != std::string::npos);
  pickle[at + 1] = '\xd8';
  test::write_text(folder / "text.pkl", pickle);
  std::string message;
  CHECK(test::error_of([&] { io::read_pickle_file(folder / "text.pkl"); }, &message) == ErrorCode::Unsupported);
  CHECK(message.find("text.pkl") != std::string::npos);
}
