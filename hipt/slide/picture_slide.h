#pragma once
// A plain picture as a slide of one level, held whole in memory.

#include <memory>

#include "hipt/image/read.h"
#include "hipt/slide/slide.h"

namespace hipt::slide {

// Throws what image::read_picture throws, naming the file.
std::shared_ptr<Slide> open_picture(const std::filesystem::path& path, image::PictureFormat format);

}  // namespace hipt::slide
