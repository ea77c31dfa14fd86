// Which pixels an encoder gets: reduced, resized, at coordinates that another program found. Each row equals the engine
// on pixels that are read and prepared apart from the pipeline.

#include <algorithm>
#include <functional>

#include "hipt/base/sha256.h"
#include "hipt/encode/feature_file.h"
#include "hipt/image/resample.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"
#include "hipt/resnet/engine.h"
#include "hipt/vit/engine.h"

#include "test/encode/tiny_models.h"

namespace hipt::encode {
namespace {

// Features of the h5 in the order of its coords, and the same made apart: pixels read one by one, `prepare`d, encoded.
void check_patches(const std::string& name, const std::filesystem::path& h5_file, const slide::Slide& slide,
                   std::int64_t read_size, const std::function<image::RgbImage(RgbView)>& prepare,
                   const std::function<void(RgbView, std::span<float>)>& encode) {
  const io::Hdf5File h5 = io::Hdf5File::open(h5_file);
  const Array features = h5.read_dataset("features");
  const Array coordinates = h5.read_dataset("coords");
  const auto dim = static_cast<std::size_t>(features.dim(1));
  REQUIRE(features.dim(0) > 0);
  std::vector<float> expected(features.size());
  for (std::size_t row = 0; row * dim < expected.size(); ++row) {
    const std::int64_t* point = coordinates.as<std::int64_t>().data() + 2 * row;
    const image::RgbImage pixels = slide.read_region({point[0], point[1]}, 0, {read_size, read_size});
    encode(prepare(pixels.view()).view(), std::span(expected).subspan(row * dim, dim));
  }
  test::check_close(name, features.as<float>(), expected, 2e-5);
}

image::RgbImage resized(RgbView picture, int side, image::Filter filter) {
  return image::resample(picture, side, side, filter);
}

void encode_with_tiny(RgbView picture, std::span<float> out) {
  static const auto engine = vit::make_reference_engine(vit::formula_weights(vit::config_from_json(kTiny256), "tiny"));
  engine->encode({&picture, 1}, out);
}

TEST_CASE("encode: at half of the slide's magnification patches and regions are read at twice the size and reduced") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  SlideJob job = tiny_job(folder, 256);
  job.tile.mag = 10;  // of a 20x slide with one level
  job.encode.overview = true;
  const cohort::StudyFolder study{folder / "study"};
  run(*slide_file, job, study);
  const std::string id = slide_file->stem().string();
  const auto slide = slide::open_slide(*slide_file);
  check_patches(
      "encode at 10x, reduced from 512 px", study.patch_features(id, ".h5"), *slide, 512,
      [](RgbView picture) { return resized(picture, 256, image::Filter::Bicubic); }, encode_with_tiny);

  SlideJob regions = tiny_job(folder, 512);
  regions.tile.mag = 10;
  const cohort::StudyFolder region_study{folder / "regions"};
  run(*slide_file, regions, region_study);
  const io::Hdf5File h5 = io::Hdf5File::open(region_study.patch_features(id, ".h5"));
  const Array features = h5.read_dataset("features");
  const Array coordinates = h5.read_dataset("coords");
  REQUIRE(features.dim(0) > 0);
  CHECK(features.shape() == Shape{coordinates.dim(0), 4, 32});
  const std::int64_t* point = coordinates.as<std::int64_t>().data();
  const image::RgbImage region =
      resized(slide->read_region({point[0], point[1]}, 0, {1024, 1024}).view(), 512, image::Filter::Bicubic);
  std::vector<float> expected(4 * 32);
  for (int patch = 0; patch < 4; ++patch) {
    encode_with_tiny(region.view().crop(patch % 2 * 256, patch / 2 * 256, 256, 256),
                     std::span(expected).subspan(static_cast<std::size_t>(patch) * 32, 32));
  }
  test::check_close("encode regions at 10x: the first one's patches", features.as<float>().first(4 * 32), expected,
                    2e-5);
}

TEST_CASE("encode: ResNet-50 features lie in a folder of their own and equal the engine on separately read pixels") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  SlideJob job = tiny_job(folder, 256);
  job.tile.step_size = 1280;
  job.encode.model = PatchModel::Resnet50Trunc;
  job.encode.weights_resnet = "random:gold1";
  job.encode.overview = true;
  const cohort::StudyFolder study{folder / "study"};
  CHECK(run(*slide_file, job, study).status == cohort::Status::Processed);
  CHECK(run(*slide_file, job, study).status == cohort::Status::AlreadyExist);
  const std::string id = slide_file->stem().string();
  const std::filesystem::path h5_file = study.root / "resnet50_trunc_pt_patch_features" / (id + ".h5");
  const auto slide = slide::open_slide(*slide_file);
  const auto engine = resnet::make_cpu_engine(resnet::weights_from("random:gold1"));
  const auto encode = [&](RgbView picture, std::span<float> out) { engine->encode({&picture, 1}, out); };
  check_patches(
      "encode with ResNet-50", h5_file, *slide, 256,
      [](RgbView picture) { return resized(picture, 256, image::Filter::Bicubic); }, encode);
  const io::Hdf5File h5 = io::Hdf5File::open(h5_file);
  CHECK(io::find_attribute<std::string>(h5.read_attributes("features"), "encoder") == "resnet50_trunc");
  CHECK(io::read_torch_file(study.resnet_features(id, ".pt")).tensor()->dim(1) == 1024);
  CHECK(recorded_fingerprint(h5_file)->entries().at("resnet.weights_sha256") == sha256_hex("random:gold1"));

  // ViT-256 beside it on the same coordinates, and CLAM's --target_patch_size.
  SlideJob vit = job;
  vit.encode.model = PatchModel::Vit256;
  CHECK(run(*slide_file, vit, study).status == cohort::Status::Processed);
  SlideJob smaller = job;
  smaller.encode.target_patch_size = 224;
  std::string message;
  CHECK(test::error_of([&] { run(*slide_file, smaller, study); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("encoder_px") != std::string::npos);
  smaller.auto_skip = false;
  run(*slide_file, smaller, study);
  check_patches(
      "encode with ResNet-50 at 224 px", h5_file, *slide, 256,
      [](RgbView picture) { return resized(picture, 224, image::Filter::Bilinear); }, encode);
}

// Coordinates as TRIDENT or CLAM leave them.
void write_foreign(const std::filesystem::path& file, const io::Attributes& attributes) {
  std::filesystem::create_directories(file.parent_path());
  io::Hdf5File h5 = io::Hdf5File::create(file);
  h5.create_dataset("coords", DType::Int64, {2}, 1);
  Array points = Array::of<std::int64_t>({2, 2});
  const std::int64_t numbers[] = {700, 900, 1300, 100};
  std::copy(std::begin(numbers), std::end(numbers), points.as_mutable<std::int64_t>().begin());
  h5.append_rows("coords", points);
  h5.write_attributes("coords", attributes);
  h5.close();
}

TEST_CASE("encode: coordinates of other programs are refused in place and used when they are given") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  const std::string id = slide_file->stem().string();
  const cohort::StudyFolder clam{folder / "clam"};
  write_foreign(clam.coordinates(id), {{"patch_size", std::int64_t{512}}, {"patch_level", std::int64_t{0}}});
  SlideJob job = tiny_job(folder, 256);
  std::string message;
  CHECK(test::error_of([&] { run(*slide_file, job, clam); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("--coords_dir") != std::string::npos);

  job.encode.coords_dir = clam.root.string();
  job.encode.overview = true;
  const std::string before = sha256_hex_of_file(clam.coordinates(id));
  CHECK(run(*slide_file, job, clam).status == cohort::Status::Processed);
  CHECK(run(*slide_file, job, clam).status == cohort::Status::AlreadyExist);
  CHECK(sha256_hex_of_file(clam.coordinates(id)) == before);
  CHECK_FALSE(std::filesystem::exists(clam.mask(id)));
  const auto slide = slide::open_slide(*slide_file);
  check_patches(
      "encode given coordinates of 512 px", clam.patch_features(id, ".h5"), *slide, 512,
      [](RgbView picture) { return resized(picture, 256, image::Filter::Bicubic); }, encode_with_tiny);

  const cohort::StudyFolder study{folder / "study"};
  job.encode.coords_dir = (folder / "trident").string();
  CHECK(test::error_of([&] { run(*slide_file, job, study); }, &message) == ErrorCode::NotFound);
  CHECK(message.find(id + "_patches.h5") != std::string::npos);
  write_foreign(folder / "trident" / "patches" / (id + "_patches.h5"),
                {{"patch_size", std::int64_t{256}}, {"patch_size_level0", std::int64_t{256}}});
  run(*slide_file, job, study);
  check_patches(
      "encode given coordinates of TRIDENT", study.patch_features(id, ".h5"), *slide, 256,
      [](RgbView picture) { return resized(picture, 256, image::Filter::Bicubic); }, encode_with_tiny);

  SlideJob enlarged = tiny_job(folder, 512);
  enlarged.encode.coords_dir = job.encode.coords_dir;
  CHECK(test::error_of([&] { run(*slide_file, enlarged, study); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("--patch_size 256") != std::string::npos);
  write_foreign(folder / "trident" / (id + ".h5"), {{"patch_size", std::int64_t{256}}});
  CHECK(test::error_of([&] { run(*slide_file, job, study); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("several") != std::string::npos);
}

}  // namespace
}  // namespace hipt::encode
