// Colours of features: known axes of made data come out.

#include <cmath>

#include "hipt/base/formula.h"
#include "hipt/encode/principal_components.h"

#include "test/support/support.h"

namespace hipt::encode {
namespace {

// Rows that vary by three known amounts along three directions of a 24-wide space, most along the first.
constexpr std::int64_t kDim = 24;
Array made_rows(std::int64_t rows) {
  const Array amounts = formula_uniform("colours", "amounts", {rows, 3}, 0.0, 1.0);
  Array table = Array::of<float>({rows, kDim});
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* amount = amounts.as<float>().data() + 3 * row;
    float* values = table.as_mutable<float>().data() + kDim * row;
    for (std::int64_t i = 0; i < kDim; ++i) values[i] = 5.0f;
    values[2] += 9.0f * amount[0];
    values[7] -= 3.0f * amount[1];
    values[20] += 1.0f * amount[2];
  }
  return table;
}

double correlation(std::span<const float> colours, std::span<const float> amounts, std::size_t colour,
                   std::size_t amount, std::size_t rows) {
  double ca = 0, cc = 0, aa = 0, c1 = 0, a1 = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const double c = colours[3 * row + colour];
    const double a = amounts[3 * row + amount];
    ca += c * a, cc += c * c, aa += a * a, c1 += c, a1 += a;
  }
  const double n = static_cast<double>(rows);
  return (ca - c1 * a1 / n) / std::sqrt((cc - c1 * c1 / n) * (aa - a1 * a1 / n));
}

TEST_CASE("encode: colours follow the three largest variations of the features") {
  for (const std::int64_t rows : {300, 45000}) {  // below and above the rows that the axes are found on
    const Array table = made_rows(rows);
    const Array amounts = formula_uniform("colours", "amounts", {rows, 3}, 0.0, 1.0);
    const FeatureTable source{rows, kDim, [&](std::int64_t first, std::int64_t count) {
                                Array part = Array::of<float>({count, kDim});
                                const auto values = table.as<float>().subspan(static_cast<std::size_t>(first * kDim),
                                                                              static_cast<std::size_t>(count * kDim));
                                std::copy(values.begin(), values.end(), part.as_mutable<float>().begin());
                                return part;
                              }};
    const std::vector<float> colours = component_colours(source);
    REQUIRE(colours.size() == static_cast<std::size_t>(rows) * 3);
    for (std::size_t component = 0; component < 3; ++component) {
      // Each axis points to where its largest weight is positive: the second direction was made with a minus sign.
      const double expected = component == 1 ? -1.0 : 1.0;
      CHECK(correlation(colours, amounts.as<float>(), component, component, static_cast<std::size_t>(rows)) * expected >
            0.97);
    }
  }
}

TEST_CASE("encode: colours of one row or of equal rows are grey") {
  const FeatureTable one{1, 4, [](std::int64_t, std::int64_t count) { return Array::of<float>({count, 4}); }};
  CHECK(component_colours(one) == std::vector<float>(3, 0.5f));
  const FeatureTable equal{5, 4, [](std::int64_t, std::int64_t count) { return Array::of<float>({count, 4}); }};
  CHECK(component_colours(equal) == std::vector<float>(15, 0.5f));
}

}  // namespace
}  // namespace hipt::encode
