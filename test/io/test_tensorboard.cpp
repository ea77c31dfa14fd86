#include <doctest/doctest.h>

#include "hipt/io/tensorboard.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

double fixed_time() {
  return 1700000000.25;
}

std::string hexadecimal(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("crc32c: vectors of RFC 3720 and the check value of the catalogue") {
  CHECK(io::crc32c("123456789") == 0xe3069283);
  CHECK(io::crc32c("") == 0);
  CHECK(io::crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(io::crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  CHECK(io::crc32c(rising) == 0x46dd794e);
}

// The same events by tensorboard 2.21.0's protobuf classes and RecordWriter.
TEST_CASE("tensorboard: an event file has the bytes of tensorboard's own writer") {
  const test::TemporaryFolder folder;
  io::EventFileWriter events(folder.path(), 3, fixed_time);
  events.scalar("train/loss", 0.6931471805599453, 3);
  events.scalar("val/auc", 0.5, 1000);
  events.flush();
  CHECK(events.path().filename() == "events.out.tfevents.1700000000.hipt");
  CHECK(hexadecimal(test::read_text(events.path())) ==
        "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
        "0f000000000000006d532b090900001040fc54d94110033a0208019481124c"
        "200000000000000029eda9500900001040fc54d94110032a130a110a0a747261696e2f6c6f7373151872313fcde39cb6"
        "1e00000000000000d9dc12320900001040fc54d94110e8072a100a0e0a0776616c2f617563150000003ff8e1b61f");
}

TEST_CASE("tensorboard: a run that goes on in the same second writes a later file beside the first") {
  const test::TemporaryFolder folder;
  const io::EventFileWriter first(folder / "0", 0, fixed_time);
  const std::string before = test::read_text(first.path());
  const io::EventFileWriter second(folder / "0", 2, fixed_time);
  CHECK(second.path().filename() == "events.out.tfevents.1700000001.hipt");
  CHECK(test::read_text(first.path()) == before);
}

TEST_CASE("tensorboard: a folder that cannot be made is named") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "");
  std::string message;
  CHECK(test::error_of([&] { io::EventFileWriter(folder / "file/0", 0); }, &message) == ErrorCode::Io);
  CHECK(message.find("file/0") != std::string::npos);
}
