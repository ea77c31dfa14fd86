// The truncated ResNet-50 against the oracle's resnet50/*: torchvision's network in eval mode on formula weights.

#include <cstring>
#include <map>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/resnet/engine.h"

#include "test/support/oracle_picture.h"
#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

const resnet::Engine& cpu_engine() {
  static const auto engine = resnet::make_cpu_engine(resnet::weights_from("random:gold1"));
  return *engine;
}

const resnet::Engine& reference_engine() {
  static const auto engine = resnet::make_reference_engine(resnet::weights_from("random:gold1"));
  return *engine;
}

std::vector<float> features(const resnet::Engine& engine, RgbView picture) {
  std::vector<float> out(resnet::kDim);
  engine.encode({&picture, 1}, out);
  return out;
}

void check_picture(const resnet::Engine& engine, std::string_view kind, const std::string& name) {
  const auto picture = test::oracle_picture("vit256", name);
  if (!picture) return;
  const nlohmann::json oracle_case = test::golden_case("resnet50/feat_" + name);
  test::check_close(fmt::format("{}: resnet50/feat_{}", kind, name), features(engine, picture->view()),
                    test::golden_array(oracle_case.at("file").get<std::string>()).as<float>(),
                    oracle_case.at("tol_abs").get<double>());
}

struct FormulaPicture {
  int width, height;
  std::vector<std::uint8_t> bytes;

  FormulaPicture(const char* name, int its_width, int its_height)
      : width(its_width), height(its_height), bytes(formula_image("resnet", name, its_height, its_width)) {}
  RgbView view() const { return {bytes.data(), width, height, std::ptrdiff_t{3} * width}; }
};

}  // namespace

TEST_CASE("resnet cpu: a formula picture: resnet50/feat_formula_224x224") {
  check_picture(cpu_engine(), "cpu", "formula_224x224");
}

TEST_CASE("resnet cpu: the published example picture: resnet50/feat_png256") {
  check_picture(cpu_engine(), "cpu", "png256");
}

TEST_CASE("resnet cpu: patches of the slide: resnet50/feat_crop_X_Y") {
  for (const char* name : {"crop_960_960", "crop_37_411", "crop_1964_2711"}) check_picture(cpu_engine(), "cpu", name);
}

TEST_CASE("resnet cpu: pictures of any size equal the reference engine") {
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 5}, {33, 17}, {64, 64}, {95, 47}}) {
    CAPTURE(width);
    const FormulaPicture picture("odd", width, height);
    test::check_close(fmt::format("resnet cpu against reference, {} x {}", width, height),
                      features(cpu_engine(), picture.view()), features(reference_engine(), picture.view()), 2e-5);
  }
}

TEST_CASE("resnet cpu: features do not depend on the other pictures of a call nor on the thread") {
  const FormulaPicture first("first", 64, 64), second("second", 96, 32);
  const std::vector<float> alone = features(cpu_engine(), first.view());
  std::vector<std::vector<float>> results(3, std::vector<float>(2 * resnet::kDim));
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& result : results) {
      threads.emplace_back([&] {
        const RgbView views[] = {second.view(), first.view()};
        cpu_engine().encode(views, result);
      });
    }
  }
  for (const std::vector<float>& result : results) {
    CHECK(std::memcmp(result.data() + resnet::kDim, alone.data(), alone.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("resnet engines refuse what is no picture") {
  std::vector<float> out(resnet::kDim);
  const RgbView empty{};
  for (const resnet::Engine* engine : {&cpu_engine(), &reference_engine()}) {
    CHECK(error_of([&] { engine->encode({&empty, 1}, out); }) == ErrorCode::InvalidArgument);
    CHECK(error_of([&] { engine->encode({}, out); }) == ErrorCode::Internal);
  }
}

TEST_SUITE("slow") {
  TEST_CASE("resnet reference: a formula picture: resnet50/feat_formula_224x224") {
    check_picture(reference_engine(), "reference", "formula_224x224");
  }

  TEST_CASE("resnet reference: pictures of the slide and the published one: resnet50/feat_X") {
    for (const char* name : {"png256", "crop_960_960", "crop_37_411", "crop_1964_2711"}) {
      check_picture(reference_engine(), "reference", name);
    }
  }
}
