// Writing JPEG: the bytes that Pillow writes (encode_jpeg/expected.json, made by make_expected.py).

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/formula.h"
#include "hipt/base/sha256.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/resample.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

image::RgbImage smooth(int width, int height) {
  const std::vector<std::uint8_t> noise = formula_image("jpeg", fmt::format("{}x{}", width, height), 4, 4);
  return image::resample({noise.data(), 4, 4, 12}, width, height, image::Filter::Bicubic);
}

TEST_CASE("A JPEG has the bytes that Pillow writes") {
  const nlohmann::json expected =
      nlohmann::json::parse(read_text(source_dir() / "test/image/encode_jpeg/expected.json"));
  CHECK(expected.at("cases").size() == 30);
  for (const nlohmann::json& one : expected.at("cases")) {
    const image::RgbImage picture = smooth(one.at("size").at(0), one.at("size").at(1));
    const std::vector<std::byte> bytes = image::encode_jpeg(picture.view(), one.at("quality"));
    CHECK_MESSAGE(sha256_hex(bytes) == one.at("sha256"), one.dump());
    const image::RgbImage read = image::decode_jpeg(bytes);
    CHECK(read.width() == picture.width());
    CHECK(read.height() == picture.height());
  }
}

TEST_CASE("A JPEG of a part of a picture is that of its copy") {
  const image::RgbImage whole = smooth(97, 61);
  const RgbView part = whole.view().crop(5, 7, 40, 33);
  const image::RgbImage copy = image::resample(part, 40, 33, image::Filter::Bicubic);  // sizes are equal: a copy
  CHECK(image::encode_jpeg(part, 90) == image::encode_jpeg(copy.view(), 90));
}

TEST_CASE("A JPEG's comment reads back and changes nothing else") {
  const TemporaryFolder folder;
  const image::RgbImage picture = smooth(97, 61);
  const std::vector<std::byte> plain = image::encode_jpeg(picture.view(), 80);
  for (const std::string& comment :
       {std::string("text"), std::string("\xFF\xD9\0 zero", 8), std::string(image::kMaxJpegComment, 'c')}) {
    const std::vector<std::byte> bytes = image::encode_jpeg(picture.view(), 80, comment);
    CHECK(bytes.size() == plain.size() + 4 + comment.size());
    write_text(folder / "a.jpg", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    CHECK(image::read_jpeg_comment(folder / "a.jpg") == comment);
    const image::RgbImage read = image::decode_jpeg(bytes);
    const image::RgbImage same = image::decode_jpeg(plain);
    CHECK(std::equal(read.data(), read.data() + read.byte_size(), same.data(), same.data() + same.byte_size()));
  }
  CHECK(error_of([&] { image::encode_jpeg(picture.view(), 80, std::string(65534, 'c')); }) ==
        ErrorCode::InvalidArgument);
  write_text(folder / "plain.jpg", {reinterpret_cast<const char*>(plain.data()), plain.size()});
  CHECK_FALSE(image::read_jpeg_comment(folder / "plain.jpg"));
  write_text(folder / "cut.jpg", {reinterpret_cast<const char*>(plain.data()), 30});
  CHECK_FALSE(image::read_jpeg_comment(folder / "cut.jpg"));
  write_text(folder / "not.jpg", "text");
  CHECK(error_of([&] { image::read_jpeg_comment(folder / "not.jpg"); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { image::read_jpeg_comment(folder / "no.jpg"); }) == ErrorCode::NotFound);
}

TEST_CASE("What a JPEG cannot hold is refused") {
  const image::RgbImage picture = smooth(8, 8);
  std::string message;
  CHECK(error_of([&] { image::encode_jpeg(picture.view(), 0); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { image::encode_jpeg(picture.view(), 101); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { image::encode_jpeg({}, 90); }) == ErrorCode::InvalidArgument);
  const image::RgbImage wide(image::kMaxJpegSide + 1, 1);
  CHECK(error_of([&] { image::encode_jpeg(wide.view(), 90); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("use PNG") != std::string::npos, message);
}

}  // namespace
}  // namespace hipt::test
