// HIPT_4K against the published model's numbers (oracle folder hipt4k).

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/vit/region_encoder.h"

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using test::EngineKind;

namespace {

void check_region(EngineKind kind, const std::string& name) {
  const auto region = test::oracle_picture("hipt4k", name);
  if (!region) return;
  const vit::RegionFeatures features =
      vit::encode_region(test::oracle_engine(kind, "vit_small"), test::oracle_engine(kind, "vit4k_xs"), region->view(),
                         test::quiet_context());
  const nlohmann::json params = test::golden_case(fmt::format("hipt4k/{}_features_cls256", name)).at("params");
  CHECK(features.rows == params.at("rows").get<std::int64_t>());
  CHECK(features.cols == params.at("cols").get<std::int64_t>());
  test::check_case(kind, fmt::format("hipt4k/{}_features_cls256", name), features.cls256.as<float>());
  test::check_case(kind, fmt::format("hipt4k/{}_features_mean256", name), features.mean256.as<float>());
  test::check_case(kind, fmt::format("hipt4k/{}_features_cls4k", name), features.cls4k.as<float>());
  const std::span<const float> joined = features.mean256_cls4k.as<float>();
  CHECK(std::ranges::equal(joined.first(384), features.mean256.as<float>()));
  CHECK(std::ranges::equal(joined.subspan(384), features.cls4k.as<float>()));
}

}  // namespace

TEST_CASE("centre crop offsets equal the oracle: hipt4k/crop_offsets") {
  const auto table = nlohmann::json::parse(test::read_text(test::golden("hipt4k/crop_offsets.json")));
  REQUIRE(table.at("columns") == nlohmann::json{"size", "patches", "offset", "cropped"});
  for (const std::vector<std::int64_t> row : table.at("rows")) {
    CAPTURE(row[0]);
    CHECK(vit::center_crop_offset(row[0], row[3]) == row[2]);
    const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(3 * row[0] * 256));
    const RgbView wide{pixels.data(), static_cast<int>(row[0]), 256, static_cast<std::ptrdiff_t>(3 * row[0])};
    const RgbView cropped = vit::center_crop(wide);
    CHECK(cropped.width == row[3]);
    CHECK(cropped.width == vit::kPatchPx * row[1]);
    CHECK(cropped.height == 256);
    CHECK(cropped.data - wide.data == 3 * row[2]);
  }
}

TEST_CASE("a region below one patch is an error that tells its size") {
  const std::vector<std::uint8_t> pixels(3 * 255 * 300);
  std::string message;
  CHECK(test::error_of([&] { vit::center_crop({pixels.data(), 255, 300, 3 * 255}); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("255 x 300") != std::string::npos);
}

TEST_CASE("models whose sizes do not meet are an error") {
  const auto tiny = test::make_engine(EngineKind::Cpu,
                                      vit::formula_weights(test::tiny_config(vit::TokenSource::Pixels), test::kSalt));
  const std::vector<std::uint8_t> pixels(3 * 256 * 256);
  CHECK(test::error_of([&] {
          vit::encode_region(*tiny, test::oracle_engine(EngineKind::Cpu, "vit4k_xs"),
                             {pixels.data(), 256, 256, 3 * 256}, test::quiet_context());
        }) == ErrorCode::InvalidArgument);
}

TEST_CASE("cpu: a region of one patch: hipt4k/r300x260") {
  check_region(EngineKind::Cpu, "r300x260");
}

TEST_CASE("cpu: regions of other sizes: hipt4k/r1024x768 and r1100x900 and r1027x771") {
  for (const char* name : {"r1024x768", "r1100x900", "r1027x771"}) check_region(EngineKind::Cpu, name);
}

TEST_CASE("reference: a region of one patch: hipt4k/r300x260") {
  check_region(EngineKind::Reference, "r300x260");
}

TEST_SUITE("slow") {
  TEST_CASE("cpu: a whole 4096-px region: hipt4k/r4096x4096_mirror") {
    check_region(EngineKind::Cpu, "r4096x4096_mirror");
  }
}
