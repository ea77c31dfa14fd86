#pragma once
// A slide of any shape without pixels, for what depends on levels, objective and microns per pixel alone.

#include <algorithm>

#include "hipt/slide/slide.h"

namespace hipt::test {

class FakeSlide : public slide::Slide {
 public:
  FakeSlide(std::vector<Size> levels, std::optional<double> objective, std::optional<double> mpp) {
    path_ = "fake.svs";
    for (const Size size : levels) {
      const Downsample pair{static_cast<double>(levels.front().width) / static_cast<double>(size.width),
                            static_cast<double>(levels.front().height) / static_cast<double>(size.height)};
      levels_.push_back({size, (pair.x + pair.y) / 2, pair});
    }
    objective_ = objective;
    if (mpp) mpp_ = slide::MicronsPerPixel{*mpp, "made"};
  }
  image::RgbImage read_associated_image(const std::string&) const override { return {}; }

 protected:
  void read_into(Level0Point, int, Size size, std::uint8_t* rgb) const override {
    std::fill_n(rgb, size.width * size.height * 3, std::uint8_t{0});
  }
};

}  // namespace hipt::test
