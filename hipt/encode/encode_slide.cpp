#include "hipt/encode/encode_slide.h"

#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/cohort/output.h"
#include "hipt/encode/feature_file.h"
#include "hipt/encode/given_coordinates.h"
#include "hipt/encode/overview.h"
#include "hipt/encode/pipeline.h"
#include "hipt/image/resample.h"
#include "hipt/slide/slide.h"
#include "hipt/tiling/study.h"
#include "hipt/vit/region_encoder.h"

namespace hipt::encode {
namespace {

// Everything about one slide that the steps below share.
struct SlideWork {
  const slide::Slide& slide;
  const cohort::StudyFolder& folder;
  const SlideJob& job;
  const Models& models;
  const tiling::TileResult& tiles;
  std::string id;
  cohort::Fingerprint fingerprint;
  std::int64_t tile_px = 0;           // side of a patch or region when the encoder gets it
  std::int64_t patch_px = 0;          // side of what the patch encoder reads
  std::int64_t patches_per_side = 0;  // of a region; 1 for single patches

  bool regions() const { return models.vit4k != nullptr; }
  bool resnet() const { return job.encode.model == PatchModel::Resnet50Trunc; }
  std::int64_t rows() const { return static_cast<std::int64_t>(tiles.coordinates.points.size()); }
  std::int64_t dim() const { return static_cast<std::int64_t>(models.patch_encoder->dim()); }
  Shape patch_row() const { return regions() ? Shape{patches_per_side * patches_per_side, dim()} : Shape{dim()}; }
};

using FolderFile = std::filesystem::path (cohort::StudyFolder::*)(const std::string&, const std::string&) const;

FeatureFileSpec feature_spec(const SlideWork& work, FolderFile place, Shape shape, std::string encoder) {
  const FeatureFormat format = work.job.encode.format;
  FeatureFileSpec spec;
  if (format != FeatureFormat::H5) spec.pt = (work.folder.*place)(work.id, ".pt");
  if (format != FeatureFormat::Pt) spec.h5 = (work.folder.*place)(work.id, ".h5");
  spec.shape = std::move(shape);
  spec.name = work.id;
  spec.encoder = std::move(encoder);
  spec.coordinates = &work.tiles.coordinates;
  spec.coordinate_attributes = work.tiles.attributes;
  spec.fingerprint = work.fingerprint;
  return spec;
}

// The files that this slide should have, in the order of their making. A slide without regions has no mean of them.
std::vector<FeatureFileSpec> wanted_files(const SlideWork& work) {
  Shape patches = work.patch_row();
  patches.insert(patches.begin(), work.rows());
  std::vector<FeatureFileSpec> specs;
  const FolderFile place = work.resnet() ? &cohort::StudyFolder::resnet_features : &cohort::StudyFolder::patch_features;
  specs.push_back(feature_spec(work, place, patches, work.models.patch_encoder->name()));
  if (work.regions()) {
    const std::int64_t dim4k = work.models.vit4k->config().dim;
    const std::string& vit4k = work.models.vit4k->config().name;
    specs.push_back(feature_spec(work, &cohort::StudyFolder::region_features, {work.rows(), dim4k}, vit4k));
    if (work.rows() > 0) specs.push_back(feature_spec(work, &cohort::StudyFolder::slide_features, {dim4k}, vit4k));
  }
  return specs;
}

cohort::Fingerprint feature_fingerprint(const SlideWork& work) {
  cohort::Fingerprint fingerprint = work.tiles.fingerprint;
  fingerprint.set("coordinates_sha256", tiling::coordinates_sha256(work.tiles.coordinates));
  fingerprint.add(work.models.patch_encoder->identity());
  if (work.regions()) fingerprint.add(work.models.region_identity);
  if (work.job.encode.target_patch_size > 0) fingerprint.set("encoder_px", fmt::format("{} bilinear", work.tile_px));
  return fingerprint;
}

// Mean of the region vectors, in double, in the order of the rows.
class SlideMean {
 public:
  explicit SlideMean(std::size_t dim) : sum_(dim) {}
  void add(std::span<const float> row) {
    for (std::size_t i = 0; i < row.size(); ++i) sum_[i] += row[i];
    ++count_;
  }
  std::vector<float> mean() const {
    std::vector<float> result(sum_.size());
    for (std::size_t i = 0; i < sum_.size(); ++i) result[i] = static_cast<float>(sum_[i] / count_);
    return result;
  }

 private:
  std::vector<double> sum_;
  double count_ = 0;
};

// What reading one tile holds: its pixels on the slide, and while they are reduced a picture of half-done rows.
std::int64_t bytes_of_read(const SlideWork& work) {
  const tiling::PixelRule& pixels = work.tiles.coordinates.pixels;
  if (pixels.read_size == pixels.patch_size) return 3 * pixels.read_size * pixels.read_size;
  return 3 * (pixels.read_size * (pixels.read_size + pixels.patch_size) + pixels.patch_size * pixels.patch_size);
}

image::RgbImage read_tile(const SlideWork& work, std::int64_t index) {
  const tiling::Coordinates& coordinates = work.tiles.coordinates;
  image::RgbImage tile =
      tiling::read_patch(work.slide, coordinates.pixels, coordinates.points[static_cast<std::size_t>(index)]);
  const int side = static_cast<int>(work.tile_px);
  if (tile.width() == side) return tile;
  return image::resample(tile.view(), side, side, image::Filter::Bilinear);
}

// Slide features of an earlier run stand for regions that there are no more.
void remove_slide_features(const SlideWork& work) {
  for (const char* const extension : {".pt", ".h5"}) {
    std::error_code ignored;
    std::filesystem::remove(work.folder.slide_features(work.id, extension), ignored);
  }
}

void encode_tiles(const SlideWork& work, const std::vector<FeatureFileSpec>& specs, RunContext& context,
                  const std::function<bool()>& still_ours) {
  std::vector<FeatureFile> files;
  for (const FeatureFileSpec& spec : specs) files.emplace_back(spec);
  const std::size_t dim4k = work.regions() ? static_cast<std::size_t>(work.models.vit4k->config().dim) : 0;
  SlideMean slide_mean(dim4k);

  TileStream stream;
  stream.count = work.rows();
  stream.tile_px = static_cast<int>(work.tile_px);
  stream.patch_px = static_cast<int>(work.patch_px);
  stream.extra_dim = dim4k;
  stream.read_bytes = bytes_of_read(work);
  stream.most_bytes = work.job.most_pixel_bytes;
  stream.read = [&](std::int64_t index) { return read_tile(work, index); };
  if (work.regions()) {
    stream.finish = [&](std::span<const float> features, std::span<float> region_vector) {
      work.models.vit4k->encode_grid(features, work.patches_per_side, work.patches_per_side, region_vector);
    };
  }
  stream.consume = [&](std::int64_t, std::span<const float> row) {
    files[0].append(row.first(row.size() - dim4k));
    if (!work.regions()) return;
    files[1].append(row.last(dim4k));
    slide_mean.add(row.last(dim4k));
  };
  run_pipeline(stream, *work.models.patch_encoder, context);
  if (work.regions() && work.rows() > 0) files[2].append(slide_mean.mean());

  cohort::require_ours(still_ours);
  if (work.regions() && work.rows() == 0) remove_slide_features(work);
  for (FeatureFile& file : files) file.commit();
}

tiling::TileResult find_tiles(const slide::Slide& slide, const cohort::StudyFolder& folder, const SlideJob& job,
                              const std::function<bool()>& still_ours) {
  if (!job.encode.coords_dir.empty()) return given_coordinates(slide, job.encode, job.tile.patch_size);
  if (job.auto_skip) refuse_foreign_coordinates(folder.coordinates(slide.id()));
  return tiling::tile_slide(slide, job.tissue, job.tile, folder, job.auto_skip, still_ours);
}

SlideWork plan_work(const slide::Slide& slide, const cohort::StudyFolder& folder, const SlideJob& job,
                    const Models& models, const tiling::TileResult& tiles) {
  SlideWork work{slide, folder, job, models, tiles, slide.id(), {}, 0, 0, 0};
  work.tile_px = job.encode.target_patch_size > 0 ? job.encode.target_patch_size : tiles.coordinates.pixels.patch_size;
  work.patch_px = work.regions() ? vit::kPatchPx : work.tile_px;
  work.patches_per_side = work.tile_px / work.patch_px;
  work.fingerprint = feature_fingerprint(work);
  return work;
}

// Of what is on the picture: the contours, unless the coordinates were given without them.
tissue::Tissue tissue_on_overview(const SlideWork& work) {
  if (!work.job.encode.coords_dir.empty()) return {};
  return tissue::segment(work.slide, work.job.tissue);
}

}  // namespace

bool encodes_regions(const EncodeOptions& options, std::int64_t patch_size) {
  const bool resized = options.target_patch_size > 0;
  const std::int64_t seen = resized ? options.target_patch_size : patch_size;
  if (options.target_patch_size == 0) {
    throw Error(ErrorCode::InvalidArgument, "--target_patch_size 0: give pixels, or -1 for patches as they are");
  }
  if (options.model == PatchModel::Resnet50Trunc) {
    if (resized || seen <= vit::kPatchPx) return false;
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--patch_size {}: ResNet-50 encodes single patches of up to 256 px, not regions; give "
                            "--target_patch_size 256 to have larger ones reduced, or --model vit256 for regions",
                            patch_size));
  }
  if (seen % 16 == 0 && (resized || seen <= vit::kPatchPx)) return false;
  if (!resized && seen % vit::kPatchPx == 0) return true;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("--{} {}: patches are multiples of 16 up to 256 px, regions multiples of 256 px above",
                          resized ? "target_patch_size" : "patch_size", seen));
}

cohort::Outcome encode_slide(const cohort::SlideEntry& entry, const cohort::StudyFolder& folder, const SlideJob& job,
                             const Models& models, RunContext& context, const std::function<bool()>& still_ours) {
  if (encodes_regions(job.encode, job.tile.patch_size) != (models.vit4k != nullptr)) {
    throw Error(
        ErrorCode::InvalidArgument,
        fmt::format("patch_size {} of this slide: patches and regions need runs of their own", job.tile.patch_size));
  }
  const auto slide = slide::open_slide(entry.path, entry.mpp, entry.reader, &context.pool);
  const tiling::TileResult tiles = find_tiles(*slide, folder, job, still_ours);
  const SlideWork work = plan_work(*slide, folder, job, models, tiles);

  const std::vector<FeatureFileSpec> specs = wanted_files(work);
  std::vector<std::filesystem::path> outputs;
  for (const FeatureFileSpec& spec : specs) {
    if (!spec.pt.empty()) outputs.push_back(spec.pt);
    if (!spec.h5.empty()) outputs.push_back(spec.h5);
  }
  const bool features_there = job.auto_skip && all_present(outputs, work.fingerprint);
  if (!features_there) {
    context.progress.begin(entry.path.filename().string(), work.rows() * work.patches_per_side * work.patches_per_side,
                           "patches");
    encode_tiles(work, specs, context, still_ours);
    context.progress.end();
  }
  const std::filesystem::path overview = work.resnet() ? folder.resnet_overview(entry.id) : folder.overview(entry.id);
  const bool overview_there = !job.encode.overview || (job.auto_skip && all_present({overview}, work.fingerprint));
  if (!overview_there) {
    write_overview(overview, *slide, tissue_on_overview(work), tiles.coordinates, outputs.front(), work.fingerprint,
                   still_ours);
  }
  cohort::Outcome outcome = tiles.outcome;
  const bool nothing_new = features_there && overview_there && tiles.outcome.status == cohort::Status::AlreadyExist;
  if (work.regions()) {
    outcome.summary = fmt::format("{} of {} patches", counted(work.rows(), "region", "regions"),
                                  work.patches_per_side * work.patches_per_side);
  }
  outcome.status = nothing_new ? cohort::Status::AlreadyExist : cohort::Status::Processed;
  return outcome;
}

}  // namespace hipt::encode
