// Writing PNG: what is written reads back, and equal input gives equal bytes.

#include <algorithm>

#include "hipt/base/formula.h"
#include "hipt/image/png.h"

#include "test/support/support.h"

namespace hipt::test {

TEST_CASE("A PNG reads back as it was written with its texts") {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> pixels = formula_image("png", "picture", 61, 53);
  const RgbView whole{pixels.data(), 53, 61, 53 * 3};
  const RgbView part = whole.crop(7, 11, 30, 40);  // rows that are not packed
  const image::TextChunks text = {{"Software", "hipt"}, {"Comment", "0.499 \xCE\xBCm a pixel"}};
  image::write_png(folder / "a.png", part, text);
  image::write_png(folder / "b.png", part, text);
  CHECK(read_text(folder / "a.png") == read_text(folder / "b.png"));

  image::TextChunks text_read;
  const image::RgbImage picture = image::read_png(folder / "a.png", &text_read);
  CHECK(text_read == text);
  CHECK(image::read_png_text(folder / "a.png") == text);
  REQUIRE(picture.width() == part.width);
  REQUIRE(picture.height() == part.height);
  for (int y = 0; y < part.height; ++y) {
    CHECK(std::equal(part.row(y), part.row(y) + part.width * 3, picture.view().row(y)));
  }
}

TEST_CASE("A PNG in memory has the bytes of the file") {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> pixels = formula_image("png", "picture", 64, 900);
  const RgbView picture{pixels.data(), 900, 64, 900 * 3};
  image::write_png(folder / "a.png", picture, {{"Comment", "text"}});
  const std::vector<std::byte> bytes = image::encode_png(picture, {{"Comment", "text"}});
  CHECK(read_text(folder / "a.png") == std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  CHECK(error_of([&] { image::read_png_text(folder / "no.png"); }) == ErrorCode::NotFound);
  write_text(folder / "not.png", "text");
  CHECK(error_of([&] { image::read_png_text(folder / "not.png"); }) == ErrorCode::Corrupt);
}

TEST_CASE("A PNG that cannot be written is an error that names the file") {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> pixels(12);
  std::string message;
  const RgbView picture{pixels.data(), 2, 2, 6};
  CHECK(error_of([&] { image::write_png(folder / "no/such.png", picture); }, &message) == ErrorCode::Io);
  CHECK(message.find("such.png") != std::string::npos);
  CHECK(error_of([&] { image::write_png(folder / "a.png", {}); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { image::write_png(folder / "a.png", picture, {{"", "no keyword"}}); }) ==
        ErrorCode::InvalidArgument);
  CHECK(error_of([&] { image::write_png("/dev/full", picture); }) == ErrorCode::Io);
}

}  // namespace hipt::test
