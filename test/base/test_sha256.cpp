#include <string>

#include <doctest/doctest.h>

#include "hipt/base/sha256.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

// Vectors of FIPS 180-2, appendix B, and of NIST's example file.
TEST_CASE("sha256: the published test vectors") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: fed in pieces and read from a file it is the same") {
  Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.update(std::string(1000, 'a'));
  CHECK(hash.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const test::TemporaryFolder folder;
  test::write_text(folder / "long", std::string(3000000, 'a'));
  test::write_text(folder / "empty", "");
  CHECK(sha256_hex_of_file(folder / "long") == sha256_hex(std::string(3000000, 'a')));
  CHECK(sha256_hex_of_file(folder / "empty") == sha256_hex(""));
}

TEST_CASE("sha256: the real slide has its published digest") {
  const auto slide = test::demo_slide();
  if (!slide) return test::skip("the demo slide is not here: run tools/setup");
  CHECK(sha256_hex_of_file(*slide) == "ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7");
}

TEST_CASE("sha256: a file that cannot be read is named") {
  const test::TemporaryFolder folder;
  std::string message;
  CHECK(error_of([&] { sha256_hex_of_file(folder / "absent"); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("absent") != std::string::npos);
  CHECK(error_of([&] { sha256_hex_of_file(folder.path()); }, &message) == ErrorCode::Io);
}
