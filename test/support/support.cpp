#include "test/support/support.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "hipt/base/sha256.h"
#include "hipt/io/npy.h"

namespace hipt::test {
namespace {

std::optional<std::filesystem::path> existing(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  return std::nullopt;
}

}  // namespace

std::filesystem::path source_dir() {
  return HIPT_SOURCE_DIR;
}

std::filesystem::path golden(std::string_view name) {
  return source_dir() / "test/golden" / name;
}

std::optional<std::filesystem::path> shared_data(std::string_view name) {
  const char* chosen = std::getenv("HIPT_TEST_DATA");
  const std::filesystem::path root = chosen ? std::filesystem::path(chosen) : source_dir() / "../shared/data";
  return existing(root / name);
}

std::optional<std::filesystem::path> shared_oracle(std::string_view name) {
  return existing(source_dir() / "../shared/oracle" / name);
}

std::optional<std::filesystem::path> demo_slide() {
  if (const auto fetched = existing(source_dir() / ".cache/CMU-1-Small-Region.svs")) return fetched;
  return shared_data("slides/aperio/CMU-1-Small-Region.svs");
}

void skip(std::string_view reason) {
  std::cout << "[SKIPPED] " << reason << std::endl;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hipt-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw Error(ErrorCode::Io, pattern + ": cannot be made");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorCode::NotFound, file.string() + ": cannot be opened");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.flush()) throw Error(ErrorCode::Io, file.string() + ": cannot be written");
}

Array golden_array(std::string_view name) {
  if (const auto kept = existing(golden(name))) return io::read_npy(*kept);
  if (const auto shared = shared_oracle(name)) return io::read_npy(*shared);
  throw Error(ErrorCode::NotFound,
              fmt::format("golden array {}: neither in test/golden nor in ../shared/oracle", name));
}

nlohmann::json golden_case(std::string_view id) {
  static const nlohmann::json index = nlohmann::json::parse(read_text(golden("index.json")));
  for (const nlohmann::json& entry : index.at("cases")) {
    if (entry.at("id") == id) return entry;
  }
  throw Error(ErrorCode::NotFound, fmt::format("test/golden/index.json has no case {}", id));
}

void check_close(std::string_view case_name, std::span<const float> actual, std::span<const float> expected,
                 double tolerance) {
  REQUIRE_MESSAGE(actual.size() == expected.size(),
                  fmt::format("{}: {} values, expected {}", case_name, actual.size(), expected.size()));
  double worst = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(double{actual[i]} - double{expected[i]});
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  std::cout << fmt::format("{}: worst error {:.3g} (tolerance {:.3g})", case_name, worst, tolerance) << std::endl;
  CHECK_MESSAGE(worst <= tolerance,
                fmt::format("{}: worst error {:.3g} > tolerance {:.3g}", case_name, worst, tolerance));
}

ErrorCode error_of(const std::function<void()>& body, std::string* message) {
  try {
    body();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  FAIL("no Error was thrown");
  return ErrorCode::Internal;
}

RunContext& quiet_context() {
  // libcrypto tidies up at the end of the process. Used before the pool is made, it does so after the pool's threads.
  sha256_hex(std::string_view());
  static ThreadPool pool(2);
  static RunContext context{pool, silent_log(), silent_progress(), {}};
  return context;
}

}  // namespace hipt::test
