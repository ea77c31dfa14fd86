// Checkpoints: two that others trained and published, and ours written and read again.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "hipt/mil/model.h"

#include "test/mil/mil_support.h"
#include "test/support/support.h"

using namespace hipt;

namespace {

// float32 models against the same arithmetic in float64 (numpy, from the description of the model): logits up to 10.
constexpr double kTolerance = 3e-5;

void check_logits(std::string_view name, const mil::ModelOutput& output, const std::vector<float>& expected) {
  test::check_close(name, output.logits.as<float>(), expected, kTolerance);
}

}  // namespace

TEST_CASE("CLAM's demonstration checkpoint of clam_sb is recognised and gives its numbers") {
  const auto file = test::shared_data("checkpoints/clam-demo-s_0_checkpoint.pt");
  if (!file) return test::skip("no ../shared/data/checkpoints/clam-demo-s_0_checkpoint.pt");
  const mil::Model model = mil::load_model(*file);
  CHECK(name_of(model.options().type) == "clam_sb");
  CHECK(name_of(model.options().instance_loss) == "svm");
  CHECK(model.options().classes == 2);
  check_logits("clam-demo n1", model.predict(test::oracle_bag("bag1024_1", {1, 1024})), {10.610015778f, -8.505989307f});
  check_logits("clam-demo n37", model.predict(test::oracle_bag("bag1024_37", {37, 1024})),
               {-7.963305752f, 8.505363062f});
}

TEST_CASE("DS-MIL's checkpoint of CAMELYON16 is recognised and gives its numbers") {
  const auto file = test::shared_data("checkpoints/dsmil-c16_aggregator.pth");
  if (!file) return test::skip("no ../shared/data/checkpoints/dsmil-c16_aggregator.pth");
  const mil::Model model = mil::load_model(*file);
  CHECK(name_of(model.options().type) == "dsmil");
  CHECK(model.options().dsmil_deep_query);
  check_logits("dsmil-c16 n1", model.predict(test::oracle_bag("bag512_1", {1, 512})), {-0.106801492f});
  const mil::ModelOutput output = model.predict(test::oracle_bag("bag512_37", {37, 512}));
  check_logits("dsmil-c16 n37", output, {0.661349235f});
  CHECK(std::abs(output.attention.as<float>()[0] - 0.031625270) < 1e-6);
}

TEST_CASE("each model that is saved is recognised and loads into the same parameters") {
  const test::TemporaryFolder folder;
  for (const auto& entry : mil::enum_names(mil::ModelType{})) {
    for (const std::int64_t classes : {2, 3}) {
      const mil::Model model({.type = entry.value, .seed = 7, .classes = classes});
      const auto file = folder / "model.pt";
      model.save(file);
      const mil::Model loaded = mil::load_model(file);
      INFO(entry.name, " ", classes);
      CHECK(loaded.options().type == entry.value);
      CHECK(loaded.options().classes == classes);
      const auto before = model.state();
      const auto after = loaded.state();
      REQUIRE(before.size() == after.size());
      for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(before[i].first == after[i].first);
        CHECK(std::ranges::equal(std::span(before[i].second.bytes(), before[i].second.byte_size()),
                                 std::span(after[i].second.bytes(), after[i].second.byte_size())));
      }
    }
  }
}

TEST_CASE("weights that do not fit are all named") {
  const test::TemporaryFolder folder;
  const auto file = folder / "model.pt";
  mil::Model({.type = mil::ModelType::HiptGp, .classes = 3}).save(file);
  mil::Model other({.type = mil::ModelType::HiptGp, .classes = 2});
  std::string message;
  CHECK(test::error_of([&] { other.load(mil::read_checkpoint(file)); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("classifier.weight is [3, 192] instead of [2, 192]") != std::string::npos);
  CHECK(message.find("classifier.bias is [3] instead of [2]") != std::string::npos);
}
