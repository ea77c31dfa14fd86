#pragma once
// What the tests share: where data lies, golden numbers, temporary folders, comparison with printed errors, skips.

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json_fwd.hpp>

#include "hipt/base/array.h"
#include "hipt/base/error.h"
#include "hipt/base/run_context.h"

namespace hipt::test {

// The project's root.
std::filesystem::path source_dir();

// The oracle's small files that live in the project: test/golden/<name> ("vit256/cls_png256.npy").
std::filesystem::path golden(std::string_view name);

// Real data beside the project: $HIPT_TEST_DATA, else ../shared/data from the project's root. Nothing when absent.
std::optional<std::filesystem::path> shared_data(std::string_view name);
// The whole oracle beside the project (../shared/oracle), for cases too large for test/golden. Nothing when absent.
std::optional<std::filesystem::path> shared_oracle(std::string_view name);

// The real Aperio slide CMU-1-Small-Region.svs: fetched by tools/setup, else of shared_data. Nothing when neither is
// there.
std::optional<std::filesystem::path> demo_slide();

// Prints "[SKIPPED] <reason>", which ctest shows as a skipped test. Return from the test case afterwards.
void skip(std::string_view reason);

// A folder of its own, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, std::string_view text);

// A golden number array (.npy, little-endian, row-major) of test/golden or of ../shared/oracle.
Array golden_array(std::string_view name);

// One case of test/golden/index.json (fields as in the oracle's README: tol_abs, params, shape ...).
nlohmann::json golden_case(std::string_view id);

// Prints "<case>: worst error <e> (tolerance <t>)" and fails when it is larger or a value is not finite or the sizes
// differ.
void check_close(std::string_view case_name, std::span<const float> actual, std::span<const float> expected,
                 double tolerance);

// The code of the Error that `body` throws; fails when it throws none. `message` receives its text.
ErrorCode error_of(const std::function<void()>& body, std::string* message = nullptr);

// A silent RunContext on a pool of two threads.
RunContext& quiet_context();

}  // namespace hipt::test
