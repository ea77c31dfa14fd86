#pragma once
// A slide that OpenSlide reads.

#include <memory>

#include "hipt/slide/openslide_api.h"
#include "hipt/slide/slide.h"

namespace hipt::slide {

// Null when OpenSlide does not recognise the file. Throws Corrupt or Unsupported, naming the file, when it does and
// then cannot read it.
std::shared_ptr<Slide> open_with_openslide(const OpenSlideApi& api, const std::filesystem::path& path);

}  // namespace hipt::slide
