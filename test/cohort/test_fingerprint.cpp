#include <doctest/doctest.h>

#include "hipt/cohort/fingerprint.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::cohort::difference;
using hipt::cohort::Fingerprint;
using hipt::test::error_of;

namespace {

constexpr const char* kHash = "868b26094434e9f66bfc93b6a992f03b2df8b1e2874b3638a3f206959afae8d4";

}  // namespace

TEST_CASE("fingerprint: one JSON object with sorted keys that reads back equal") {
  Fingerprint fingerprint;
  fingerprint.set("patch_size", "512");
  fingerprint.add({{"mag", "20"},
                   {"contour_fn", "four_pt"},
                   {"note",
                    "Gr\xc3\xb6\xc3\x9f"
                    "e, \"quoted\"\n\\"}});
  fingerprint.set("patch_size", "256");
  CHECK(fingerprint.json() ==
        "{\"contour_fn\":\"four_pt\",\"mag\":\"20\",\"note\":\"Gr\xc3\xb6\xc3\x9f"
        "e, \\\"quoted\\\"\\n\\\\\",\"patch_size\":\"256\"}");
  const auto parsed = Fingerprint::parse(fingerprint.json());
  REQUIRE(parsed.has_value());
  CHECK(*parsed == fingerprint);
  CHECK(difference(*parsed, fingerprint).empty());
  CHECK(Fingerprint::parse(Fingerprint().json()) == Fingerprint());
}

TEST_CASE("fingerprint: what is no object of texts is no fingerprint") {
  for (const char* text : {"", "[]", "{\"a\":1}", "{\"a\":\"1\"", "null", "{\"a\":{\"b\":\"c\"}}", "\xff"}) {
    CHECK(!Fingerprint::parse(text).has_value());
  }
}

TEST_CASE("fingerprint: the difference names each field with both values") {
  Fingerprint there, now;
  there.set("patch_size", "256");
  now.set("patch_size", "512");
  there.set("weights256", kHash);
  now.set("weights256", std::string(64, 'a'));
  there.set("only_there", "x");
  now.set("only_now", "");
  there.set("same", "1");
  now.set("same", "1");
  CHECK(difference(there, now) ==
        "only_now: absent there, \"\" now; only_there: x there, absent now; patch_size: 256 there, 512 now; "
        "weights256: 868b26094434... there, aaaaaaaaaaaa... now");
  CHECK(!(there == now));
}

TEST_CASE("fingerprint: bytes that are not UTF-8 are refused") {
  Fingerprint fingerprint;
  fingerprint.set("preset", "caf\xe9");
  CHECK(error_of([&] { fingerprint.json(); }) == ErrorCode::InvalidArgument);
}
