// Pictures of every kind against what Pillow reads from them (pictures/expected.json, made by make_pictures.py), and
// damaged ones, which give an Error or pixels but never a crash.

#include <algorithm>
#include <iostream>
#include <random>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/sha256.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/picture_limits.h"
#include "hipt/image/png.h"
#include "hipt/image/read.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

std::filesystem::path picture_folder() {
  return source_dir() / "test/image/pictures";
}

const nlohmann::json& expected_pictures() {
  static const nlohmann::json pictures = nlohmann::json::parse(read_text(picture_folder() / "expected.json"));
  return pictures;
}

std::string sha256_of(const image::RgbImage& picture) {
  return sha256_hex(std::as_bytes(std::span(picture.data(), picture.byte_size())));
}

void check_picture(const std::string& name, const nlohmann::json& expected) {
  image::TiffTags tags;
  const image::RgbImage picture = image::read_picture(picture_folder() / name, &tags);
  CHECK(picture.width() == expected.at("width"));
  CHECK(picture.height() == expected.at("height"));
  CHECK(sha256_of(picture) == expected.at("sha256"));
  if (expected.contains("tags")) {
    for (const auto& [tag, value] : expected.at("tags").items()) CHECK_MESSAGE(tags[tag] == value, name << ": " << tag);
  }
  if (expected.contains("text")) {
    image::TextChunks text;
    image::read_png(picture_folder() / name, &text);
    for (const auto& [keyword, value] : expected.at("text").items()) {
      const auto found = std::find(text.begin(), text.end(), std::pair(keyword, value.get<std::string>()));
      CHECK_MESSAGE(found != text.end(), name << ": " << keyword);
    }
  }
}

// Reads it whatever it is. True when there were pixels.
bool reads(const std::filesystem::path& file) {
  try {
    image::read_picture(file);
    return true;
  } catch (const Error& error) {
    CHECK_MESSAGE(std::string(error.what()).find(file.filename().string()) != std::string::npos, error.what());
    return false;
  }
}

}  // namespace

TEST_CASE("PNG, JPEG and TIFF give Pillow's pixels") {
  for (const auto& [name, expected] : expected_pictures().items()) {
    CAPTURE(name);
    if (!expected.contains("error")) {
      check_picture(name, expected);
      continue;
    }
    std::string message;
    const ErrorCode code = error_of([&name = name] { image::read_picture(picture_folder() / name); }, &message);
    CHECK(to_string(code) == expected.at("error").get<std::string>());
    CHECK(message.find(name) != std::string::npos);
    CHECK(message.find(expected.at("message")) != std::string::npos);
  }
}

TEST_CASE("Pictures cut short are refused by name") {
  const TemporaryFolder folder;
  for (const auto& [name, expected] : expected_pictures().items()) {
    CAPTURE(name);
    const std::string whole = read_text(picture_folder() / name);
    // Not the last bytes: a TIFF may end in a tag that the pixels do not need, a PNG or JPEG in an end mark.
    for (std::size_t eighths = 0; eighths < 8; ++eighths) {
      write_text(folder / name, whole.substr(0, whole.size() * eighths / 8));
      CHECK_MESSAGE(!reads(folder / name), eighths << " eighths of it were read");
    }
  }
}

TEST_CASE("Pictures with flipped bytes never crash") {
  const TemporaryFolder folder;
  std::mt19937 random(7);
  int read_count = 0;
  int refused = 0;
  for (const auto& [name, expected] : expected_pictures().items()) {
    const std::string whole = read_text(picture_folder() / name);
    for (int attempt = 0; attempt < 60; ++attempt) {
      std::string damaged = whole;
      for (int flips = 0; flips <= attempt % 4; ++flips) {
        // Half of the damage goes to the header, where sizes and offsets are.
        const std::size_t range = attempt % 2 == 0 ? whole.size() : std::min<std::size_t>(whole.size(), 64);
        damaged[random() % range] = static_cast<char>(random());
      }
      write_text(folder / name, damaged);
      ++(reads(folder / name) ? read_count : refused);
    }
  }
  std::cout << fmt::format("{} damaged pictures were read, {} refused", read_count, refused) << std::endl;
  CHECK(refused > 0);
}

TEST_CASE("Picture sizes that a file cannot hold are refused before memory is taken") {
  CHECK_NOTHROW(image::check_picture_size(100000, 20000, 1'000'000));
  CHECK(error_of([] { image::check_picture_size(0, 5, 1000); }) == ErrorCode::Corrupt);
  CHECK(error_of([] { image::check_picture_size(5, -1, 1000); }) == ErrorCode::Corrupt);
  CHECK(error_of([] { image::check_picture_size(40000, 40000, 600); }) == ErrorCode::Corrupt);
  CHECK(error_of([] { image::check_picture_size(100001, 20000, 1'000'000'000); }) == ErrorCode::Unsupported);
  CHECK(error_of([] { image::check_picture_size(2147483647, 2147483647, INT64_MAX); }) == ErrorCode::Unsupported);
}

TEST_CASE("Files that are no pictures are told apart") {
  const TemporaryFolder folder;
  CHECK(error_of([&] { image::read_picture(folder / "absent.png"); }) == ErrorCode::NotFound);
  write_text(folder / "text.png", "not a picture");
  CHECK(error_of([&] { image::read_picture(folder / "text.png"); }) == ErrorCode::Unsupported);
  write_text(folder / "empty.jpg", "");
  CHECK_FALSE(image::picture_format(folder / "empty.jpg").has_value());
  CHECK(error_of([] { image::decode_jpeg({}); }) == ErrorCode::Corrupt);
}

}  // namespace hipt::test
