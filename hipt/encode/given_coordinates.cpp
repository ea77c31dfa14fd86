#include "hipt/encode/given_coordinates.h"

#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/tissue/tissue.h"

namespace hipt::encode {
namespace {

constexpr std::int64_t kMostReduction = 4;  // 80x to 20x

bool is_file(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored);
}

// The file's rule with the size that the encoder is to see.
tiling::PixelRule pixels_for(const slide::Slide& slide, tiling::PixelRule pixels, std::int64_t patch_size) {
  if (pixels.level >= std::ssize(slide.levels())) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("coordinates are of level {}, but the slide has {} levels",
                                                        pixels.level, slide.levels().size()));
  }
  if (patch_size > pixels.read_size || patch_size * kMostReduction < pixels.read_size) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("its patches are {0} px of level {1}, but --patch_size is {2}; give --patch_size {0}, or "
                            "down to a fourth of it to have them reduced",
                            pixels.read_size, pixels.level, patch_size));
  }
  pixels.patch_size = patch_size;
  return pixels;
}

cohort::Fingerprint given_fingerprint(const slide::Slide& slide, const tiling::PixelRule& pixels) {
  cohort::Fingerprint fingerprint = tissue::slide_identity(slide);
  fingerprint.set("coordinates", "given");
  fingerprint.set("patch_level", fmt::format("{}", pixels.level));
  fingerprint.set("patch_size", fmt::format("{}", pixels.read_size));
  fingerprint.set("target_patch_size", fmt::format("{}", pixels.patch_size));
  return fingerprint;
}

std::filesystem::path given_coordinates_file(const std::string& slide_id, const EncodeOptions& options) {
  std::vector<std::string> looked_for;
  std::vector<std::string> found;
  for (const std::filesystem::path folder : {"", "patches"}) {
    for (const char* const ending : {".h5", "_patches.h5"}) {
      const std::filesystem::path file = std::filesystem::path(options.coords_dir) / folder / (slide_id + ending);
      looked_for.push_back(file.string());
      if (is_file(file)) found.push_back(file.string());
    }
  }
  if (found.empty()) {
    throw Error(ErrorCode::NotFound, fmt::format("--coords_dir: no coordinates of {}; there is no {}", slide_id,
                                                 fmt::join(looked_for, ", ")));
  }
  if (found.size() > 1) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--coords_dir: {} has several files of coordinates: {}; name the folder of one", slide_id,
                            fmt::join(found, ", ")));
  }
  return found.front();
}

}  // namespace

tiling::TileResult given_coordinates(const slide::Slide& slide, const EncodeOptions& options, std::int64_t patch_size) {
  const std::filesystem::path file = given_coordinates_file(slide.id(), options);
  tiling::TileResult result;
  result.coordinates = tiling::read_coordinates(file);
  result.coordinates.pixels =
      with_context(file.string(), [&] { return pixels_for(slide, result.coordinates.pixels, patch_size); });
  const tiling::PixelRule& pixels = result.coordinates.pixels;
  tiling::TileOptions as_read;
  as_read.patch_size = pixels.read_size;
  as_read.patch_level = pixels.level;
  result.attributes = tiling::coordinate_attributes(slide, as_read, pixels);
  result.fingerprint = given_fingerprint(slide, pixels);
  result.outcome.slide_id = slide.path().filename().string();
  result.outcome.status = cohort::Status::AlreadyExist;  // nothing was made
  const std::size_t count = result.coordinates.points.size();
  if (count == 0) {
    result.outcome.reason = result.coordinates.reason.empty() ? fmt::format("no patch: {} has none", file.string())
                                                              : result.coordinates.reason;
  }
  result.outcome.columns.emplace_back("n_patches", fmt::format("{}", count));
  result.outcome.summary = fmt::format("{} patches, given", count);
  return result;
}

void refuse_foreign_coordinates(const std::filesystem::path& file) {
  if (!is_file(file)) return;
  std::optional<cohort::Fingerprint> fingerprint;
  tiling::read_coordinates(file, &fingerprint);
  if (fingerprint) return;
  const std::filesystem::path folder = file.parent_path().parent_path();
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("{}: was not made by hipt; give --coords_dir {} to encode these coordinates, --no_auto_skip "
                          "to replace them, or another --save_dir",
                          file.string(), folder.string()));
}

}  // namespace hipt::encode
