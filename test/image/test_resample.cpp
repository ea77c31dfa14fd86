// Resizing against Pillow: SHA-256 of its results (resample/expected.json, made by make_expected.py), and the twin.

#include <span>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/image/resample.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

image::RgbImage noise(int width, int height, bool hard) {
  const std::vector<std::uint8_t> bytes = formula_image("resample", fmt::format("{}x{}", width, height), height, width);
  image::RgbImage picture(width, height);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    picture.data()[i] = hard ? static_cast<std::uint8_t>(bytes[i] > 127 ? 255 : 0) : bytes[i];
  }
  return picture;
}

std::string sha256_of(const image::RgbImage& picture) {
  return sha256_hex(std::as_bytes(std::span(picture.data(), picture.byte_size())));
}

TEST_CASE("Resizing gives Pillow's pixels") {
  const nlohmann::json expected = nlohmann::json::parse(read_text(source_dir() / "test/image/resample/expected.json"));
  CHECK(expected.at("cases").size() == 108);
  for (const nlohmann::json& one : expected.at("cases")) {
    const int width = one.at("to").at(0);
    const int height = one.at("to").at(1);
    const auto filter = one.at("filter") == "bicubic" ? image::Filter::Bicubic : image::Filter::Bilinear;
    const image::RgbImage source = noise(one.at("from").at(0), one.at("from").at(1), one.at("picture") == "hard");
    const image::RgbImage resized = image::resample(source.view(), width, height, filter);
    CHECK(resized.width() == width);
    CHECK(resized.height() == height);
    CHECK_MESSAGE(sha256_of(resized) == one.at("sha256"), one.dump());
  }
}

TEST_CASE("Resizing is equal to its reference whatever the size and the layout of the rows") {
  const image::RgbImage whole = noise(211, 173, false);
  const std::tuple<int, int, int, int> sizes[] = {{200, 170, 97, 85}, {31, 33, 30, 35}, {10, 40, 7, 21},
                                                  {11, 32, 22, 31},   {1, 170, 3, 64},  {200, 1, 65, 1},
                                                  {64, 64, 63, 64},   {64, 64, 64, 65}, {170, 129, 1, 2}};
  for (const auto& [from_width, from_height, width, height] : sizes) {
    const RgbView part = whole.view().crop(3, 2, from_width, from_height);
    for (const image::Filter filter : {image::Filter::Bilinear, image::Filter::Bicubic}) {
      const std::string fast = sha256_of(image::resample(part, width, height, filter));
      CHECK_MESSAGE(fast == sha256_of(image::resample_reference(part, width, height, filter)),
                    from_width << " x " << from_height << " to " << width << " x " << height);
    }
  }
}

TEST_CASE("Resizing to or from nothing is refused") {
  const image::RgbImage picture = noise(4, 4, false);
  const auto resize = [](RgbView view, int width, int height) {
    return error_of([&] { image::resample(view, width, height, image::Filter::Bicubic); });
  };
  CHECK(resize(picture.view(), 0, 4) == ErrorCode::InvalidArgument);
  CHECK(resize(picture.view(), 4, -1) == ErrorCode::InvalidArgument);
  CHECK(resize({}, 4, 4) == ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace hipt::test
