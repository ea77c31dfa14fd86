#pragma once
// OpenSlide's functions, found at run time: the program starts without it and takes whichever version is installed.

#include <string>

#include <openslide.h>

namespace hipt::slide {

// Types are those of the 3.4.1 header, which 4.x keeps.
struct OpenSlideApi {
  decltype(&openslide_get_version) get_version = nullptr;
  decltype(&openslide_open) open = nullptr;
  decltype(&openslide_close) close = nullptr;
  decltype(&openslide_get_error) get_error = nullptr;
  decltype(&openslide_get_level_count) get_level_count = nullptr;
  decltype(&openslide_get_level_dimensions) get_level_dimensions = nullptr;
  decltype(&openslide_get_level_downsample) get_level_downsample = nullptr;
  decltype(&openslide_read_region) read_region = nullptr;
  decltype(&openslide_get_property_names) get_property_names = nullptr;
  decltype(&openslide_get_property_value) get_property_value = nullptr;
  decltype(&openslide_get_associated_image_names) get_associated_image_names = nullptr;
  decltype(&openslide_get_associated_image_dimensions) get_associated_image_dimensions = nullptr;
  decltype(&openslide_read_associated_image) read_associated_image = nullptr;

  std::string version;  // "3.4.1"
  std::string file;     // what was loaded

  // Before 4.0.1, with a libtiff that checks TIFFReadRGBATile's raster (CVE-2025-9900; so does Debian 12), levels
  // smaller than one of their tiles come out displaced with parts of uninitialised memory, unless the tiles are JPEG.
  bool misreads_small_tiff_levels = false;
};

// The way out of what older versions cannot do.
inline constexpr const char* kNewerOpenSlide =
    "OpenSlide 4.0.1 and newer can (pip install openslide-bin, and name its libopenslide.so.1 in HIPT_OPENSLIDE)";

// $HIPT_OPENSLIDE when it is set, else libopenslide.so.1, else libopenslide.so.0. Loaded by the first call and kept for
// the life of the process. Null when none can be loaded: openslide_failure() then says why and what to do.
const OpenSlideApi* openslide_api();
const std::string& openslide_failure();

}  // namespace hipt::slide
