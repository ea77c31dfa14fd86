#pragma once
// Whole-slide images: one interface over OpenSlide (loaded at run time), our own decoding of TIFF tiles, and plain
// pictures.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/base/options.h"
#include "hipt/base/thread_pool.h"
#include "hipt/image/image.h"

namespace hipt::slide {

struct WholeLevel;

// Who decodes the pixels of a slide that OpenSlide knows. They are the same.
enum class ReaderChoice {
  Auto,       // our own decoding of TIFF tiles where it can (tiff_slide.h says where), else OpenSlide
  OpenSlide,  // OpenSlide alone; it also passes over some kinds of damage
  Tiff,       // our own, or an error that says why not; OpenSlide only blends what falls between pixels
};
inline std::span<const EnumName<ReaderChoice>> enum_names(ReaderChoice) {
  static constexpr EnumName<ReaderChoice> kNames[] = {
      {ReaderChoice::Auto, "auto"}, {ReaderChoice::OpenSlide, "openslide"}, {ReaderChoice::Tiff, "tiff"}};
  return kNames;
}

// The flag of programs that open slides.
inline constexpr Field kReaderField = {
    .name = "reader",
    .help = "who decodes slides, to the same pixels: tiff is our own, several times as fast",
    .affects = Affects::HowItRuns};

struct Level {
  Size size;                 // px
  double downsample = 1.0;   // the reader's scalar factor against level 0 (OpenSlide's: mean of both axes)
  Downsample downsample_xy;  // level-0 size / level size, per axis (CLAM's pair)
};

// Where the microns per pixel came from, for reports: "openslide.mpp-x", "tiff.XResolution", ..., "user".
struct MicronsPerPixel {
  double value = 0.0;  // um a pixel of level 0
  std::string source;  // the property that said so
};

// An open slide. Immutable; every call is safe from many threads at once. Throws Error with the file's name in front.
class Slide {
 public:
  virtual ~Slide() = default;

  const std::filesystem::path& path() const { return path_; }
  // File name without the last extension, or the name of a DICOM slide's folder: the id of every output.
  std::string id() const { return is_folder_ ? path_.filename().string() : path_.stem().string(); }

  const std::string& format() const { return format_; }  // "aperio", "generic-tiff", "png", ...
  const std::string& reader() const { return reader_; }  // "openslide 3.4.1 and tiff", "openslide 3.4.1", "png", ...
  const std::vector<Level>& levels() const { return levels_; }
  Size size() const { return levels_.front().size; }  // of level 0
  const std::map<std::string, std::string>& properties() const { return properties_; }
  const std::optional<MicronsPerPixel>& mpp() const { return mpp_; }
  // 20 for "20x" at level 0: openslide.objective-power, when the file says so.
  std::optional<double> objective_power() const { return objective_; }

  // The LAST level whose downsample is at most `downsample` (OpenSlide's best level; level 0 when none).
  int best_level_for_downsample(double downsample) const;

  // Pixels of `level`, `size` of them from the level-0 place `origin`. Outside the slide and where nothing was scanned
  // the pixels are black: alpha is dropped as the published programs do.
  // Throws NotFound for a missing level, InvalidArgument for a negative size or more than 2e9 pixels, Corrupt for
  // damaged tiles, Unsupported for a level that the reader is known to misread.
  image::RgbImage read_region(Level0Point origin, int level, Size size) const;

  // "label", "macro", "thumbnail": names and sizes, then pixels.
  const std::map<std::string, Size>& associated_images() const { return associated_; }
  virtual image::RgbImage read_associated_image(const std::string& name) const = 0;

 protected:
  friend std::shared_ptr<const Slide> open_slide(const std::filesystem::path& path, std::optional<double> mpp,
                                                 ReaderChoice reader, ThreadPool* helpers);

  // Writes every byte of `rgb`, [size.height, size.width, 3].
  virtual void read_into(Level0Point origin, int level, Size size, std::uint8_t* rgb) const = 0;

  // For a slide that reads some of its pixels through another one.
  static void read_with(const Slide& slide, Level0Point origin, int level, Size size, std::uint8_t* rgb) {
    slide.read_into(origin, level, size, rgb);
  }
  void take_facts_of(const Slide& slide);

  std::filesystem::path path_;
  bool is_folder_ = false;
  std::string format_;
  std::string reader_;
  std::vector<Level> levels_;
  std::map<std::string, std::string> properties_;
  std::map<std::string, Size> associated_;
  std::optional<MicronsPerPixel> mpp_;
  std::optional<double> objective_;
  ThreadPool* helpers_ = nullptr;

 private:
  friend image::RgbImage read_whole_level(const Slide& slide, const WholeLevel& level);

  // The small level that was read last as a whole: it is asked for again by each picture.
  mutable std::mutex kept_mutex_;
  mutable std::map<std::pair<int, std::int64_t>, image::RgbImage> kept_;  // by level and reduction
};

// Opens with OpenSlide when it knows the file, else as a plain picture (PNG, JPEG, TIFF without tiles). A folder of the
// DICOM files of one series is opened by its first file. `mpp`, when given, is taken instead of what the file says (its
// source is then "user"). `reader` OpenSlide and Tiff refuse plain pictures. Idle threads of `helpers`, which must
// outlive the slide, help with reads of many tiles that we decode ourselves. Throws NotFound, Corrupt or Unsupported,
// naming file and reason.
std::shared_ptr<const Slide> open_slide(const std::filesystem::path& path, std::optional<double> mpp = std::nullopt,
                                        ReaderChoice reader = ReaderChoice::Auto, ThreadPool* helpers = nullptr);

// Whether a file of this name is tried as a slide in a folder (by extension, lower case: svs, tif, tiff, ndpi, ...).
bool has_slide_extension(const std::filesystem::path& path);

// What `hipt doctor` tells: "4.0.1" and the file it came from; nothing when no OpenSlide can be loaded.
struct OpenSlideLibrary {
  std::string version;
  std::string file;
};
std::optional<OpenSlideLibrary> openslide_library();

}  // namespace hipt::slide
