#include <stdexcept>

#include <doctest/doctest.h>

#include "hipt/base/error.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

TEST_CASE("error: context gathers in front on the way up") {
  std::string message;
  const auto read_tile = [] { throw Error(ErrorCode::Corrupt, "JPEG ends after 118 of 512 rows"); };
  const auto read_level = [&] { with_context("level 2", read_tile); };
  CHECK(error_of([&] { with_context("slide.svs", read_level); }, &message) == ErrorCode::Corrupt);
  CHECK(message == "slide.svs: level 2: JPEG ends after 118 of 512 rows");
}

TEST_CASE("error: with_context gives back what its body gives and leaves other exceptions alone") {
  int value = 4;
  int& same = with_context("x", [&]() -> int& { return value; });
  CHECK(&same == &value);
  CHECK_THROWS_WITH_AS(with_context("x", [] { throw std::runtime_error("other"); }), "other", std::runtime_error);
}

TEST_CASE("error: codes have the names that reports show") {
  CHECK(to_string(ErrorCode::InvalidArgument) == "InvalidArgument");
  CHECK(to_string(ErrorCode::Cancelled) == "Cancelled");
}
