#include "hipt/image/tiff.h"

#include <array>
#include <memory>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"
#include "hipt/image/tiff_internal.h"

namespace hipt::image {
namespace {

TiffTags tags_of(TIFF* tiff) {
  TiffTags tags;
  float x = 0;
  float y = 0;
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) == 1) tags["tiff.XResolution"] = fmt::format("{}", x);
  if (TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) == 1) tags["tiff.YResolution"] = fmt::format("{}", y);
  std::uint16_t unit = RESUNIT_INCH;
  if (TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit) == 1) {
    if (unit == RESUNIT_NONE) tags["tiff.ResolutionUnit"] = "none";
    if (unit == RESUNIT_INCH) tags["tiff.ResolutionUnit"] = "inch";
    if (unit == RESUNIT_CENTIMETER) tags["tiff.ResolutionUnit"] = "centimeter";
  }
  const char* description = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) == 1 && description != nullptr) {
    tags["tiff.ImageDescription"] = description;
  }
  return tags;
}

RgbImage read_first_page(TIFF* tiff, std::int64_t file_bytes, TiffFailure& failure) {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  check_picture_size(width, height, file_bytes);
  if (TIFFIsTiled(tiff) != 0) throw Error(ErrorCode::Unsupported, "tiled; only plain TIFF is read here");
  std::array<char, 1024> reason{};
  if (TIFFRGBAImageOK(tiff, reason.data()) != 1) throw Error(ErrorCode::Unsupported, reason.data());

  const std::size_t pixels = std::size_t{width} * height;
  const std::unique_ptr<std::uint32_t[]> packed(new std::uint32_t[pixels]);
  failure.decoding = true;
  const int decoded = TIFFReadRGBAImageOriented(tiff, width, height, packed.get(), ORIENTATION_TOPLEFT, 1);
  if (decoded != 1 || failure.happened()) throw_tiff_error(failure, "the pixels cannot be decoded");
  RgbImage picture(static_cast<int>(width), static_cast<int>(height));
  std::uint8_t* out = picture.data();
  for (std::size_t i = 0; i < pixels; ++i, out += 3) {
    out[0] = static_cast<std::uint8_t>(TIFFGetR(packed[i]));
    out[1] = static_cast<std::uint8_t>(TIFFGetG(packed[i]));
    out[2] = static_cast<std::uint8_t>(TIFFGetB(packed[i]));
  }
  return picture;
}

template <class Body>
auto with_tiff(const std::filesystem::path& file, Body&& body) {
  const std::int64_t file_bytes = picture_file_bytes(file);
  return with_context(file.string(), [&] {
    const TiffFile tiff(file);
    return body(tiff.get(), file_bytes, tiff.failure());
  });
}

TiffPage page_of(TIFF* tiff) {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t tile_width = 0;
  std::uint32_t tile_height = 0;
  std::uint16_t compression = COMPRESSION_NONE;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  return {width, height, tile_width, tile_height, compression};
}

}  // namespace

RgbImage read_tiff(const std::filesystem::path& file, TiffTags* tags) {
  return with_tiff(file, [&](TIFF* tiff, std::int64_t file_bytes, TiffFailure& failure) {
    if (tags != nullptr) *tags = tags_of(tiff);
    return read_first_page(tiff, file_bytes, failure);
  });
}

std::vector<TiffPage> tiff_pages(const std::filesystem::path& file) {
  constexpr std::size_t kMaxPages = 10000;
  return with_tiff(file, [&](TIFF* tiff, std::int64_t, TiffFailure&) {
    std::vector<TiffPage> pages = {page_of(tiff)};
    while (pages.size() < kMaxPages && TIFFReadDirectory(tiff) == 1) pages.push_back(page_of(tiff));
    return pages;
  });
}

}  // namespace hipt::image
