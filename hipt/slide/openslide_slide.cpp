#include "hipt/slide/openslide_slide.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"
#include "hipt/image/read.h"
#include "hipt/slide/argb.h"
#include "hipt/slide/properties.h"

namespace hipt::slide {
namespace {

// One block of a large region: 16 MiB of ARGB. OpenSlide itself works in columns of 4096.
constexpr std::int64_t kBlockWidth = 4096;
constexpr std::int64_t kBlockHeight = 1024;

struct Closer {
  const OpenSlideApi* api;
  void operator()(openslide_t* handle) const { api->close(handle); }
};
using Handle = std::unique_ptr<openslide_t, Closer>;

// OpenSlide keeps the first error of a handle for good; every later call on it fails with the same words.
void throw_if_failed(const OpenSlideApi& api, const Handle& handle) {
  const char* error = api.get_error(handle.get());
  if (error == nullptr) return;
  const std::string_view text = error;
  const bool unsupported = text.find("nsupported") != std::string_view::npos;
  throw Error(unsupported ? ErrorCode::Unsupported : ErrorCode::Corrupt, fmt::format("OpenSlide: {}", text));
}

// The levels of a TIFF that are smaller than one of their tiles and not JPEG or JPEG 2000, which OpenSlide decodes
// itself.
std::set<int> find_misread_levels(const std::filesystem::path& path, const std::vector<Level>& levels) {
  constexpr std::array kDecodedByOpenSlide = {7, 33003, 33005};
  std::set<int> misread;
  try {
    if (image::picture_format(path) != image::PictureFormat::Tiff) return misread;
    for (const image::TiffPage& page : image::tiff_pages(path)) {
      if (page.tile_width <= page.width && page.tile_height <= page.height) continue;
      if (std::ranges::count(kDecodedByOpenSlide, page.compression) > 0) continue;
      for (std::size_t i = 0; i < levels.size(); ++i) {
        if (levels[i].size == Size{page.width, page.height}) misread.insert(static_cast<int>(i));
      }
    }
  } catch (const Error&) {
    // A vendor's TIFF that only OpenSlide understands: what it says about it stands.
  }
  return misread;
}

class OpenSlideSlide final : public Slide {
 public:
  OpenSlideSlide(const OpenSlideApi& api, const std::filesystem::path& path, Handle handle)
      : api_(api), handle_(std::move(handle)) {
    path_ = path;
    reader_ = "openslide " + api_.version;
    throw_if_failed(api_, handle_);
    read_properties();
    read_levels();
    read_associated_sizes();
    throw_if_failed(api_, handle_);
    if (api_.misreads_small_tiff_levels) misread_levels_ = find_misread_levels(path, levels_);
  }

  image::RgbImage read_associated_image(const std::string& name) const override;

 private:
  void read_into(Level0Point origin, int level, Size size, std::uint8_t* rgb) const override;
  void read_block(Level0Point origin, int level, Size size, std::uint8_t* rgb, std::size_t row_bytes) const;
  void read_properties();
  void read_levels();
  void read_associated_sizes();

  const OpenSlideApi& api_;
  Handle handle_;
  std::set<int> misread_levels_;
};

void OpenSlideSlide::read_properties() {
  for (const char* const* name = api_.get_property_names(handle_.get()); *name != nullptr; ++name) {
    const char* value = api_.get_property_value(handle_.get(), *name);
    if (value != nullptr) properties_[*name] = value;
  }
  const auto text_of = [&](const char* name) {
    const auto found = properties_.find(name);
    return found == properties_.end() ? std::string() : found->second;
  };
  format_ = text_of("openslide.vendor");
  objective_ = positive_number(text_of("openslide.objective-power"));
  mpp_ = find_mpp(properties_);
}

void OpenSlideSlide::read_levels() {
  const std::int32_t count = api_.get_level_count(handle_.get());
  for (std::int32_t i = 0; i < count; ++i) {
    Level level;
    api_.get_level_dimensions(handle_.get(), i, &level.size.width, &level.size.height);
    level.downsample = api_.get_level_downsample(handle_.get(), i);
    throw_if_failed(api_, handle_);
    if (level.size.width <= 0 || level.size.height <= 0 || !(level.downsample > 0.0)) {
      throw Error(ErrorCode::Corrupt, fmt::format("level {} is {} x {} pixels, downsample {}", i, level.size.width,
                                                  level.size.height, level.downsample));
    }
    const Size& full = levels_.empty() ? level.size : levels_.front().size;
    level.downsample_xy = {static_cast<double>(full.width) / static_cast<double>(level.size.width),
                           static_cast<double>(full.height) / static_cast<double>(level.size.height)};
    levels_.push_back(level);
  }
  if (levels_.empty()) throw Error(ErrorCode::Corrupt, "the slide has no level");
}

void OpenSlideSlide::read_associated_sizes() {
  for (const char* const* name = api_.get_associated_image_names(handle_.get()); *name != nullptr; ++name) {
    Size size;
    api_.get_associated_image_dimensions(handle_.get(), *name, &size.width, &size.height);
    associated_[*name] = size;
  }
}

void OpenSlideSlide::read_into(Level0Point origin, int level, Size size, std::uint8_t* rgb) const {
  if (misread_levels_.contains(level)) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("OpenSlide {} misreads levels that are smaller than one of their tiles; {}", api_.version,
                            kNewerOpenSlide));
  }
  const double downsample = levels_[static_cast<std::size_t>(level)].downsample;
  const std::size_t row_bytes = static_cast<std::size_t>(size.width) * 3;
  // Blocks bound the ARGB scratch. Their corners are whole pixels of level 0 only where the downsample is whole;
  // elsewhere blocks would be resampled at other fractions of a pixel than one large read.
  const bool whole = downsample == std::floor(downsample);
  const Size block = whole ? Size{kBlockWidth, kBlockHeight} : size;
  const auto factor = static_cast<std::int64_t>(downsample);
  for (std::int64_t y = 0; y < size.height; y += block.height) {
    for (std::int64_t x = 0; x < size.width; x += block.width) {
      const Level0Point corner = whole ? Level0Point{origin.x + x * factor, origin.y + y * factor} : origin;
      const Size part{std::min(block.width, size.width - x), std::min(block.height, size.height - y)};
      read_block(corner, level, part, rgb + static_cast<std::size_t>(y) * row_bytes + static_cast<std::size_t>(x) * 3,
                 row_bytes);
    }
  }
}

void OpenSlideSlide::read_block(Level0Point origin, int level, Size size, std::uint8_t* rgb,
                                std::size_t row_bytes) const {
  const auto width = static_cast<std::size_t>(size.width);
  const auto height = static_cast<std::size_t>(size.height);
  const std::unique_ptr<std::uint32_t[]> argb(new std::uint32_t[width * height]);  // OpenSlide clears it
  api_.read_region(handle_.get(), argb.get(), origin.x, origin.y, level, size.width, size.height);
  throw_if_failed(api_, handle_);
  for (std::size_t y = 0; y < height; ++y) argb_to_rgb(argb.get() + y * width, width, rgb + y * row_bytes);
}

image::RgbImage OpenSlideSlide::read_associated_image(const std::string& name) const {
  return with_context(fmt::format("{}: associated image {}", path_.string(), name), [&] {
    const auto found = associated_.find(name);
    if (found == associated_.end()) throw Error(ErrorCode::NotFound, "the slide has none of this name");
    const Size size = found->second;
    if (size.width <= 0 || size.height <= 0 || size.width > image::kMaxPicturePixels / size.height) {
      throw Error(ErrorCode::Corrupt, fmt::format("{} x {} pixels", size.width, size.height));
    }
    // A handle of its own: a damaged label must not end the reading of the slide.
    const Handle handle(api_.open(path_.c_str()), Closer{&api_});
    if (!handle) throw Error(ErrorCode::Io, "the slide cannot be opened again");
    const std::size_t pixels = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
    const std::unique_ptr<std::uint32_t[]> argb(new std::uint32_t[pixels]);
    api_.read_associated_image(handle.get(), name.c_str(), argb.get());
    throw_if_failed(api_, handle);
    image::RgbImage picture(static_cast<int>(size.width), static_cast<int>(size.height));
    argb_to_rgb(argb.get(), pixels, picture.data());
    return picture;
  });
}

}  // namespace

std::shared_ptr<Slide> open_with_openslide(const OpenSlideApi& api, const std::filesystem::path& path) {
  Handle handle(api.open(path.c_str()), Closer{&api});
  if (!handle) return nullptr;
  return with_context(path.string(), [&]() -> std::shared_ptr<Slide> {
    return std::make_shared<OpenSlideSlide>(api, path, std::move(handle));
  });
}

}  // namespace hipt::slide
