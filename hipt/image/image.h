#pragma once
// An owned RGB picture.

#include <cstdint>
#include <vector>

#include "hipt/base/rgb_view.h"
#include "hipt/image/pixel_allocator.h"

namespace hipt::image {

// 8-bit interleaved RGB, rows packed (row_bytes = 3 * width); black to begin with.
class RgbImage {
 public:
  RgbImage() = default;
  RgbImage(int width, int height)
      : width_(width), height_(height), bytes_(std::size_t(width) * std::size_t(height) * 3, 0) {}

  // Its bytes are anything: for whoever writes them all.
  static RgbImage unwritten(int width, int height) {
    RgbImage image;
    image.width_ = width;
    image.height_ = height;
    image.bytes_ = Bytes(std::size_t(width) * std::size_t(height) * 3);
    return image;
  }

  int width() const { return width_; }
  int height() const { return height_; }
  std::uint8_t* data() { return bytes_.data(); }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t byte_size() const { return bytes_.size(); }
  std::uint8_t* row(int y) { return bytes_.data() + std::size_t(y) * std::size_t(width_) * 3; }
  RgbView view() const { return {bytes_.data(), width_, height_, std::ptrdiff_t{3} * width_}; }

 private:
  using Bytes = std::vector<std::uint8_t, PixelAllocator<std::uint8_t>>;

  int width_ = 0;
  int height_ = 0;
  Bytes bytes_;
};

}  // namespace hipt::image
