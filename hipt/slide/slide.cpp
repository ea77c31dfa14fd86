#include "hipt/slide/slide.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/image/picture_limits.h"
#include "hipt/slide/openslide_slide.h"
#include "hipt/slide/picture_slide.h"
#include "hipt/slide/slide_files.h"
#include "hipt/slide/tiff_slide.h"

namespace hipt::slide {
namespace {

// What is known of a file that nothing here recognises, to name the remedy.
std::string describe_content(const std::filesystem::path& path) {
  using namespace std::string_view_literals;
  std::array<char, 132> bytes{};
  std::ifstream stream(path, std::ios::binary);
  stream.read(bytes.data(), bytes.size());
  const std::string_view start(bytes.data(), static_cast<std::size_t>(stream.gcount()));
  if (start.empty()) return "the file is empty";
  if (start.size() == bytes.size() && start.substr(128) == "DICM"sv)
    return fmt::format("a DICOM file; {}", kNewerOpenSlide);
  if (start.starts_with("ZISRAWFILE"sv)) return fmt::format("a Zeiss CZI file; {}", kNewerOpenSlide);
  const std::string_view shown = start.substr(0, std::min<std::size_t>(start.find_first_of("\r\n"), 40));
  const bool text = std::all_of(shown.begin(), shown.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return text ? fmt::format("it begins with the text \"{}\"", shown)
              : std::string("its first bytes belong to no known format");
}

std::string why_not_openslide(const OpenSlideApi* api) {
  return api == nullptr ? openslide_failure() : fmt::format("OpenSlide {} does not recognise it", api->version);
}

void check_is_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw Error(ErrorCode::NotFound, fmt::format("{}: no such file", path.string()));
  }
  if (error) throw Error(ErrorCode::Io, fmt::format("{}: {}", path.string(), error.message()));
  if (!std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: a folder or device, not a slide file", path.string()));
  }
}

}  // namespace

void Slide::take_facts_of(const Slide& slide) {
  path_ = slide.path_;
  is_folder_ = slide.is_folder_;
  format_ = slide.format_;
  reader_ = slide.reader_;
  levels_ = slide.levels_;
  properties_ = slide.properties_;
  associated_ = slide.associated_;
  mpp_ = slide.mpp_;
  objective_ = slide.objective_;
}

int Slide::best_level_for_downsample(double downsample) const {
  int best = 0;
  for (std::size_t i = 1; i < levels_.size() && levels_[i].downsample <= downsample; ++i) best = static_cast<int>(i);
  return best;
}

image::RgbImage Slide::read_region(Level0Point origin, int level, Size size) const {
  return with_context(path_.string(), [&] {
    if (level < 0 || static_cast<std::size_t>(level) >= levels_.size()) {
      throw Error(ErrorCode::NotFound,
                  fmt::format("no level {}: the slide has levels 0 to {}", level, levels_.size() - 1));
    }
    if (size.width < 0 || size.height < 0 || (size.height > 0 && size.width > image::kMaxPicturePixels / size.height)) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("a region of {} x {} pixels; at most {} pixels can be read at once", size.width,
                              size.height, image::kMaxPicturePixels));
    }
    const auto width = static_cast<int>(size.width);
    const auto height = static_cast<int>(size.height);
    // Wholly outside: black. This also keeps far-off places away from the readers' integer arithmetic.
    const double downsample = levels_[static_cast<std::size_t>(level)].downsample;
    const auto meets = [&](std::int64_t start, std::int64_t length, std::int64_t slide_length) {
      return static_cast<double>(start) < static_cast<double>(slide_length) + downsample &&
             static_cast<double>(start) + static_cast<double>(length + 1) * downsample > 0.0;
    };
    if (width == 0 || height == 0 || !meets(origin.x, width, this->size().width) ||
        !meets(origin.y, height, this->size().height)) {
      return image::RgbImage(width, height);
    }
    image::RgbImage region = image::RgbImage::unwritten(width, height);
    with_context(fmt::format("level {}, {} x {} pixels at ({}, {})", level, width, height, origin.x, origin.y),
                 [&] { read_into(origin, level, size, region.data()); });
    return region;
  });
}

namespace {

std::shared_ptr<Slide> open_with_a_reader(const std::filesystem::path& path, ReaderChoice reader) {
  check_is_file(path);
  const OpenSlideApi* api = openslide_api();
  if (api != nullptr) {
    if (auto slide = open_with_openslide(*api, path)) {
      return reader == ReaderChoice::OpenSlide ? slide : with_tiff_tiles(std::move(slide), reader);
    }
  }
  const std::optional<image::PictureFormat> format = image::picture_format(path);
  if (!format) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: not a slide, PNG, JPEG or TIFF: {}; {}", path.string(),
                                                    describe_content(path), why_not_openslide(api)));
  }
  if (reader != ReaderChoice::Auto) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: {}; only --reader auto opens it, as a plain picture",
                                                    path.string(), why_not_openslide(api)));
  }
  try {
    return open_picture(path, *format);
  } catch (const Error& error) {
    if (*format != image::PictureFormat::Tiff) throw;
    throw Error(error.code(), fmt::format("{}; {}", error.what(), why_not_openslide(api)));
  }
}

}  // namespace

std::shared_ptr<const Slide> open_slide(const std::filesystem::path& path, std::optional<double> mpp,
                                        ReaderChoice reader, ThreadPool* helpers) {
  const std::vector<std::filesystem::path> dicom = dicom_files(path);
  std::shared_ptr<Slide> slide = open_with_a_reader(dicom.empty() ? path : dicom.front(), reader);
  if (!dicom.empty()) {
    slide->is_folder_ = true;
    slide->path_ = path.has_filename() ? path : path.parent_path();
  }
  slide->helpers_ = helpers;
  if (mpp) slide->mpp_ = MicronsPerPixel{*mpp, "user"};
  return slide;
}

bool has_slide_extension(const std::filesystem::path& path) {
  const std::string extension = lower_case(path.extension().string());
  constexpr std::string_view kExtensions[] = {".svs", ".tif", ".tiff", ".ndpi",  ".vms",     ".vmu", ".scn", ".mrxs",
                                              ".bif", ".czi", ".dcm",  ".dicom", ".svslide", ".png", ".jpg", ".jpeg"};
  return std::find(std::begin(kExtensions), std::end(kExtensions), extension) != std::end(kExtensions);
}

}  // namespace hipt::slide
