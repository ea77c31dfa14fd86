#include "hipt/slide/picture_slide.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/slide/properties.h"

namespace hipt::slide {
namespace {

class PictureSlide final : public Slide {
 public:
  PictureSlide(const std::filesystem::path& path, image::PictureFormat format) {
    path_ = path;
    format_ = image::to_string(format);
    reader_ = format_;
    picture_ = image::read_picture(path, &properties_);
    levels_.push_back({{picture_.width(), picture_.height()}, 1.0, {1.0, 1.0}});
    mpp_ = find_mpp(properties_);
  }

  image::RgbImage read_associated_image(const std::string& name) const override {
    throw Error(ErrorCode::NotFound,
                fmt::format("{}: a plain picture has no associated image {}", path_.string(), name));
  }

 private:
  void read_into(Level0Point origin, int, Size size, std::uint8_t* rgb) const override {
    const std::int64_t left = std::max<std::int64_t>(origin.x, 0);
    const std::int64_t right = std::min<std::int64_t>(origin.x + size.width, picture_.width());
    const std::int64_t top = std::max<std::int64_t>(origin.y, 0);
    const std::int64_t bottom = std::min<std::int64_t>(origin.y + size.height, picture_.height());
    if (Size{right - left, bottom - top} != size) std::fill_n(rgb, size.width * size.height * 3, std::uint8_t{0});
    if (left >= right) return;
    for (std::int64_t y = top; y < bottom; ++y) {
      std::uint8_t* out = rgb + ((y - origin.y) * size.width + (left - origin.x)) * 3;
      std::memcpy(out, picture_.view().row(static_cast<int>(y)) + left * 3, static_cast<std::size_t>(right - left) * 3);
    }
  }

  image::RgbImage picture_;
};

}  // namespace

std::shared_ptr<Slide> open_picture(const std::filesystem::path& path, image::PictureFormat format) {
  return std::make_shared<PictureSlide>(path, format);
}

}  // namespace hipt::slide
