#include <algorithm>
#include <cstdio>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/vit/positions.h"

#include "test/support/support.h"
#include "test/vit/vit_support.h"

using namespace hipt;
using vit::Grid;

namespace {

constexpr std::int64_t kTrained = 14;

Array oracle_embedding(std::int64_t dim) {
  return formula_weight(test::kSalt, "pos_embed", {1, 1 + kTrained * kTrained, dim});
}

// The channels that the case keeps, of all tokens.
std::vector<float> chosen_channels(const Array& positions, const nlohmann::json& channels) {
  const std::span<const float> all = positions.as<float>();
  if (channels == "all") return {all.begin(), all.end()};
  std::vector<float> chosen;
  for (std::int64_t token = 0; token < positions.dim(0); ++token) {
    for (const std::int64_t channel : channels) {
      chosen.push_back(all[static_cast<std::size_t>(token * positions.dim(1) + channel)]);
    }
  }
  return chosen;
}

void check_positions(const std::string& folder, std::int64_t dim, Grid grid) {
  const std::string id = fmt::format("{}/pos_{}x{}", folder, grid.rows, grid.cols);
  const nlohmann::json oracle_case = test::golden_case(id);
  const Array positions = vit::positions_for_grid(oracle_embedding(dim), kTrained, grid);
  REQUIRE(positions.shape() == Shape{1 + grid.size(), dim});
  const Array expected = test::golden_array(oracle_case.at("file").get<std::string>());
  test::check_close(id, chosen_channels(positions, oracle_case.at("params").at("channels")), expected.as<float>(),
                    oracle_case.at("tol_abs").get<double>());
}

}  // namespace

TEST_CASE("positions of other grids equal the oracle: vit256/pos_RxC") {
  for (const Grid grid : {Grid{14, 14}, {16, 16}, {16, 24}, {32, 32}, {7, 9}, {4, 4}, {6, 6}}) {
    check_positions("vit256", 384, grid);
  }
}

TEST_CASE("positions of other grids equal the oracle: vit4k/pos_RxC") {
  for (const Grid grid : {Grid{16, 16}, {9, 13}, {1, 1}, {6, 6}, {3, 4}}) check_positions("vit4k", 192, grid);
}

TEST_CASE("positions of the trained grid are the embedding itself but not those of as many tokens in another shape") {
  const Array embedding = oracle_embedding(8);
  const std::span<const float> trained = embedding.as<float>();
  CHECK(std::ranges::equal(vit::positions_for_grid(embedding, kTrained, {14, 14}).as<float>(), trained));
  CHECK_FALSE(std::ranges::equal(vit::positions_for_grid(embedding, kTrained, {7, 28}).as<float>(), trained));
}

TEST_CASE("positions: an embedding of another grid is an error that names both shapes") {
  std::string message;
  CHECK(test::error_of([] { vit::positions_for_grid(oracle_embedding(8), 16, {3, 3}); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("[1, 197, 8]") != std::string::npos);
  CHECK(message.find("257") != std::string::npos);
}
