#pragma once
// Files that torch wrote (test/cases/torch/make_fixtures.py).

#include <filesystem>
#include <string_view>

#include "test/support/support.h"

namespace hipt::test {

inline std::filesystem::path torch_fixture(std::string_view name) {
  return source_dir() / "test/cases/torch" / name;
}

}  // namespace hipt::test
