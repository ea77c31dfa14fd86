// Hostile and damaged files: reading them ends in a value or an Error, never in a crash or in memory without bounds.

#include <random>

#include <doctest/doctest.h>

#include "hipt/io/torch_file.h"
#include "hipt/io/zip_writer.h"

#include "test/io/torch_fixtures.h"

using namespace hipt;
using namespace std::string_literals;
using hipt::test::error_of;

namespace {

// A new file each time: rewriting one in place waits for the disk on some file systems.
void write_anew(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::remove(file);
  test::write_text(file, bytes);
}

// True when reading gave a value, false when it gave an Error.
bool reads(const std::filesystem::path& file) {
  try {
    io::read_torch_file(file);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// A zip file of torch with this pickle (protocol and STOP are added) and one storage of eight bytes.
class PickleFile {
 public:
  io::TorchValue read(const std::string& body) {
    io::ZipWriter zip(folder_ / "x.pt");
    zip.add("archive/data.pkl", "\x80\x02" + body + ".");
    zip.add("archive/data/0", "12345678");
    zip.close();
    return io::read_torch_file(folder_ / "x.pt");
  }
  ErrorCode code(const std::string& body, std::string* message = nullptr) {
    return error_of([&] { read(body); }, message);
  }

 private:
  test::TemporaryFolder folder_;
};

std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}

// The pickle of a tensor on the storage of PickleFile.
std::string tensor(std::string_view numel, std::string_view first, std::string_view sizes, std::string_view strides,
                   std::string_view type = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"s + std::string(type) +
         "\nX\x01\0\0\0000X\x03\0\0\0cpu"s + std::string(numel) + "tQ" + std::string(first) + std::string(sizes) +
         std::string(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

}  // namespace

TEST_CASE("torch files cut anywhere end in an error") {
  const test::TemporaryFolder folder;
  for (const char* const name : {"kinds_zip.pt", "kinds_legacy.pt", "views_legacy.pt", "protocol4.pt"}) {
    const std::string whole = test::read_text(test::torch_fixture(name));
    for (std::size_t size = 0; size < whole.size(); size += 3) {
      write_anew(folder / "cut.pt", whole.substr(0, size));
      CAPTURE(name);
      CAPTURE(size);
      CHECK_FALSE(reads(folder / "cut.pt"));
    }
  }
}

TEST_CASE("torch files with flipped bits end in a value or an error") {
  const test::TemporaryFolder folder;
  std::mt19937 random(7);
  int failed = 0;
  for (const char* const name : {"kinds_zip.pt", "kinds_legacy.pt", "views_legacy.pt", "protocol4.pt", "untyped.pt"}) {
    const std::string whole = test::read_text(test::torch_fixture(name));
    for (std::size_t i = 0; i < whole.size(); i += 2) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ (1 << random() % 8));
      if (i % 3 == 0) changed[random() % changed.size()] = static_cast<char>(random());
      write_anew(folder / "flipped.pt", changed);
      failed += !reads(folder / "flipped.pt");
    }
  }
  CHECK(failed > 500);
}

TEST_CASE("torch tensors must lie in their storage") {
  PickleFile file;
  const io::TorchValue good = file.read(tensor("K\x02", "K\x00"s, "K\x02\x85", "K\x01\x85"));
  REQUIRE(good.tensor() != nullptr);
  CHECK(good.tensor()->shape() == Shape{2});
  CHECK(file.code(tensor("K\x02", "K\x01", "K\x02\x85", "K\x01\x85")) == ErrorCode::Corrupt);  // starts too late
  CHECK(file.code(tensor("K\x03", "K\x00"s, "K\x03\x85", "K\x01\x85")) ==
        ErrorCode::Corrupt);  // larger than the record
  CHECK(file.code(tensor("K\x02", "K\x00"s, "K\x02\x85", "K\x02\x85")) == ErrorCode::Corrupt);  // strides out
  CHECK(file.code(tensor("K\x02", "J\xff\xff\xff\xff", "K\x01\x85", "K\x01\x85")) ==
        ErrorCode::Corrupt);  // negative start
  CHECK(file.code(tensor("K\x02", "K\x01", "K\x02\x85", "J\xff\xff\xff\xff\x85")) ==
        ErrorCode::Corrupt);                                                                         // negative stride
  CHECK(file.code(tensor("K\x02", "K\x00"s, "K\x01K\x02\x86", "K\x01\x85")) == ErrorCode::Corrupt);  // ranks differ
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  CHECK(file.code(tensor("K\x02", "K\x00"s, huge + "K\x02\x86", "K\x01K\x01\x86")) == ErrorCode::Corrupt);
  CHECK(file.code(tensor("K\x02", huge, huge + "\x85", huge + "\x85")) == ErrorCode::Corrupt);
  CHECK(file.code(tensor(huge, "K\x00"s, "K\x02\x85", "K\x01\x85")) == ErrorCode::Corrupt);
  CHECK(file.code(tensor("K\x02", "K\x00"s, "(" + repeated("K\x01", 20) + "t", "(" + repeated("K\x01", 20) + "t")) ==
        ErrorCode::Corrupt);
  std::string message;
  CHECK(file.code(tensor("K\x02", "K\x00"s, "K\x02\x85", "K\x01\x85", "NoSuchStorage"), &message) ==
        ErrorCode::Unsupported);
  CHECK(message.find("torch.NoSuchStorage") != std::string::npos);
}

TEST_CASE("torch tensors of stride zero do not fill memory") {
  PickleFile file;
  CHECK(file.read(tensor("K\x02", "K\x00"s, "M\xe8\x03K\x02\x86", "K\x00K\x01\x86"s)).tensor()->shape() ==
        Shape{1000, 2});
  const std::string billions = "\x8a\x05\x00\x00\x00\x00\x10"s;
  CHECK(file.code(tensor("K\x02", "K\x00"s, billions + "\x85", "K\x00\x85"s)) == ErrorCode::Unsupported);
}

TEST_CASE("torch bools of any byte are true or false") {
  PickleFile file;  // the storage's bytes are '1' to '8'
  const io::TorchValue value = file.read(tensor("K\x08", "K\x00"s, "K\x08\x85", "K\x01\x85", "BoolStorage"));
  for (const bool flag : value.tensor()->as<bool>()) CHECK(flag);
}

TEST_CASE("torch pickles that make no sense are errors with the byte and the opcode") {
  PickleFile file;
  std::string message;
  CHECK(file.code("") == ErrorCode::Corrupt);               // nothing on the stack
  CHECK(file.code("(") == ErrorCode::Corrupt);              // a mark is no value
  CHECK(file.code("t") == ErrorCode::Corrupt);              // no mark
  CHECK(file.code("}K\x01s") == ErrorCode::Corrupt);        // a key without a value
  CHECK(file.code("](K\x01K\x02u") == ErrorCode::Corrupt);  // a list takes no keys
  CHECK(file.code("K\x01K\x02"
                  "a") == ErrorCode::Corrupt);                  // a number takes no items
  CHECK(file.code("h\x07") == ErrorCode::Corrupt);              // nothing remembered
  CHECK(file.code("K\x01)R") == ErrorCode::Corrupt);            // a number is called
  CHECK(file.code("K\x01Q") == ErrorCode::Corrupt);             // a storage without an id
  CHECK(file.code("X\xff\xff\xff\x7f") == ErrorCode::Corrupt);  // a text longer than the file
  CHECK(file.code("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s) == ErrorCode::Corrupt);
  CHECK(file.code("\x80\x09N") == ErrorCode::Unsupported);
  CHECK(file.code("NI1\n", &message) == ErrorCode::Unsupported);  // INT of protocol 0
  CHECK(message.find("pickle byte 3") != std::string::npos);
  CHECK(message.find("0x49") != std::string::npos);
}

TEST_CASE("torch pickles call nothing") {
  PickleFile file;
  const test::TemporaryFolder folder;
  const std::string command = "touch " + (folder / "executed").string();
  const io::TorchValue value = file.read("cposix\nsystem\nX" + std::string(1, static_cast<char>(command.size())) +
                                         "\0\0\0"s + command + "\x85R");
  CHECK(std::get<io::TorchOpaque>(value.value).class_name == "posix.system");
  CHECK_FALSE(std::filesystem::exists(folder / "executed"));
}

TEST_CASE("torch pickles nested and circular and shared without end are errors") {
  PickleFile file;
  CHECK(file.code(repeated("]", 100'001) + repeated("a", 100'000)) == ErrorCode::Corrupt);
  CHECK(file.code(")" + repeated("\x85", 100'000)) == ErrorCode::Corrupt);
  CHECK(file.code("]q\x01h\x01"
                  "a") == ErrorCode::Corrupt);                          // a list in itself
  CHECK(file.code("}q\x01X\x01\0\0\0ah\x01s"s) == ErrorCode::Corrupt);  // a dict in itself
  // Each list holds the one before twice: 2^60 values.
  std::string doubling = "]q\x00"s;
  for (char i = 0; i < 60; ++i) doubling += "](h"s + i + "h"s + i + "eq"s + static_cast<char>(i + 1);
  CHECK(file.code(doubling) == ErrorCode::Corrupt);
  // A long text named a thousand times.
  const std::string text = "X\x00\x00\x10\x00"s + std::string(1 << 20, 'x');
  CHECK(file.code("]" + text +
                  "q\x01"
                  "0(" +
                  repeated("h\x01", 1'000) + "e") == ErrorCode::Corrupt);
  CHECK(file.code(repeated("N", 2'200'000)) == ErrorCode::Unsupported);
  CHECK(file.code(repeated("(", 2'200'000)) == ErrorCode::Unsupported);
  CHECK(file.code("N" + repeated("2", 2'200'000)) == ErrorCode::Unsupported);
  CHECK(file.code("N" + repeated("\x94", 2'200'000)) == ErrorCode::Unsupported);
  CHECK(file.code("c" + std::string(1000, 'm') + "\nname\n") == ErrorCode::Corrupt);
}

TEST_CASE("torch understands an OrderedDict of Python 2 once") {
  PickleFile file;
  // collections.OrderedDict([["a", 5]]), with Python 2's byte strings
  const io::TorchValue dict = file.read(
      "ccollections\nOrderedDict\n](](U\x01"
      "aK\x05"
      "ee\x85R");
  REQUIRE(dict.find("a") != nullptr);
  CHECK(std::get<std::int64_t>(dict.find("a")->value) == 5);
}

TEST_CASE("torch archives with odd names and without data are errors or read as ever") {
  const test::TemporaryFolder folder;
  const auto with_entries = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    io::ZipWriter zip(folder / "x.pt");
    for (const auto& [name, content] : entries) zip.add(name, content);
    zip.close();
    return folder / "x.pt";
  };
  const std::string none = "\x80\x02N.";
  CHECK(reads(with_entries({{"../../etc/data.pkl", none}})) == false);
  CHECK(reads(with_entries({{"/data.pkl", none}})));
  CHECK(reads(with_entries({{"data.pkl", none}})));
  CHECK(reads(with_entries({{"", "x"}, {"a/", ""}, {"a/data.pkl", none}})));
  CHECK_FALSE(reads(with_entries({})));
  CHECK_FALSE(reads(with_entries({{"a/other", "x"}})));
  CHECK_FALSE(reads(with_entries({{"a/data.pkl", none}, {"a/byteorder", "middle"}})));
  CHECK_FALSE(reads(with_entries({{"a/data.pkl", none}, {"a/constants.pkl", none}})));
  CHECK(reads(with_entries({{"a/data.pkl", none}, {"b/data.pkl", "broken"}})));
}
