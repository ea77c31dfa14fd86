// The main job on the real slide: rows in the order of the coordinates, each equal to the engine on pixels read apart
// from the pipeline; regions equal to HIPT_4K; skipping and refusing by fingerprint.

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/sha256.h"
#include "hipt/encode/encode_slide.h"
#include "hipt/encode/feature_file.h"
#include "hipt/encode/region_assets.h"
#include "hipt/encode/vit_patch_encoder.h"
#include "hipt/image/png.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"
#include "hipt/vit/region_encoder.h"

#include "test/encode/tiny_models.h"
#include "test/support/npz.h"
#include "test/support/support.h"

namespace hipt::encode {
namespace {

// Relative path -> SHA-256 of every file below a folder.
std::map<std::string, std::string> digests(const std::filesystem::path& root) {
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) {
      result[std::filesystem::relative(entry.path(), root).string()] = sha256_hex_of_file(entry.path());
    }
  }
  return result;
}

TEST_CASE("encode: patch rows follow the coordinates and equal the engine on separately read pixels") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  const SlideJob job = tiny_job(folder, 256);
  const cohort::StudyFolder study{folder / "study"};
  CHECK(run(*slide_file, job, study).status == cohort::Status::Processed);

  const std::string id = slide_file->stem().string();
  const Array coordinates = io::Hdf5File::open(study.coordinates(id)).read_dataset("coords");
  const auto published = test::read_npz(test::golden("clam/coords.npz"));
  const std::span<const std::int32_t> expected_points = published.at("cmu-bwh_biopsy-256").as<std::int32_t>();
  REQUIRE(coordinates.shape() == Shape{50, 2});
  CHECK(std::equal(expected_points.begin(), expected_points.end(), coordinates.as<std::int64_t>().begin()));

  io::Hdf5File h5 = io::Hdf5File::open(study.patch_features(id, ".h5"));
  const Array features = h5.read_dataset("features");
  const Array feature_coordinates = h5.read_dataset("coords");
  const io::TorchValue pt = io::read_torch_file(study.patch_features(id, ".pt"));
  REQUIRE(pt.tensor() != nullptr);
  CHECK(pt.tensor()->shape() == Shape{50, 32});
  CHECK(std::memcmp(pt.tensor()->bytes(), features.bytes(), features.byte_size()) == 0);
  CHECK(std::memcmp(feature_coordinates.bytes(), coordinates.bytes(), coordinates.byte_size()) == 0);

  const auto slide = slide::open_slide(*slide_file);
  const auto engine = vit::make_reference_engine(vit::formula_weights(vit::config_from_json(kTiny256), "tiny"));
  std::vector<float> expected(50 * 32);
  for (std::size_t row = 0; row < 50; ++row) {
    const std::int64_t* point = coordinates.as<std::int64_t>().data() + 2 * row;
    const image::RgbImage pixels = slide->read_region({point[0], point[1]}, 0, {256, 256});
    const RgbView view = pixels.view();
    engine->encode({&view, 1}, std::span(expected).subspan(row * 32, 32));
  }
  test::check_close("encode patches against the reference engine", features.as<float>(), expected, 2e-5);
}

TEST_CASE("encode: regions equal HIPT_4K and the slide is their mean") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  const SlideJob job = tiny_job(folder, 1024);
  const cohort::StudyFolder study{folder / "study"};
  run(*slide_file, job, study);

  const std::string id = slide_file->stem().string();
  const Array coordinates = io::Hdf5File::open(study.coordinates(id)).read_dataset("coords");
  const std::int64_t regions = coordinates.dim(0);
  REQUIRE(regions >= 4);
  const Array patches = io::Hdf5File::open(study.patch_features(id, ".h5")).read_dataset("features");
  const Array vectors = io::Hdf5File::open(study.region_features(id, ".h5")).read_dataset("features");
  const Array whole = io::Hdf5File::open(study.slide_features(id, ".h5")).read_dataset("features");
  REQUIRE(patches.shape() == Shape{regions, 16, 32});
  REQUIRE(vectors.shape() == Shape{regions, 16});
  REQUIRE(whole.shape() == Shape{16});

  const auto slide = slide::open_slide(*slide_file);
  const auto vit256 = vit::make_reference_engine(vit::formula_weights(vit::config_from_json(kTiny256), "tiny"));
  const auto vit4k = vit::make_reference_engine(vit::formula_weights(vit::config_from_json(kTiny4k), "tiny"));
  std::vector<float> expected_patches;
  std::vector<float> expected_vectors;
  std::vector<double> sum(16);
  for (std::int64_t row = 0; row < regions; ++row) {
    const std::int64_t* point = coordinates.as<std::int64_t>().data() + 2 * row;
    const image::RgbImage region = slide->read_region({point[0], point[1]}, 0, {1024, 1024});
    const vit::RegionFeatures expected = vit::encode_region(*vit256, *vit4k, region.view(), test::quiet_context());
    const auto cls256 = expected.cls256.as<float>();
    const auto cls4k = expected.cls4k.as<float>();
    expected_patches.insert(expected_patches.end(), cls256.begin(), cls256.end());
    expected_vectors.insert(expected_vectors.end(), cls4k.begin(), cls4k.end());
    for (std::size_t i = 0; i < 16; ++i) sum[i] += cls4k[i];
  }
  std::vector<float> expected_mean;
  for (const double value : sum) expected_mean.push_back(static_cast<float>(value / static_cast<double>(regions)));
  test::check_close("encode regions: patches", patches.as<float>(), expected_patches, 2e-5);
  test::check_close("encode regions: vectors", vectors.as<float>(), expected_vectors, 2e-5);
  test::check_close("encode regions: slide", whole.as<float>(), expected_mean, 2e-5);
}

TEST_CASE("encode: what is there and equal is skipped and what was made otherwise is refused") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  SlideJob job = tiny_job(folder, 1024);
  job.encode.overview = true;
  const cohort::StudyFolder study{folder / "study"};
  const std::string id = slide_file->stem().string();
  CHECK(run(*slide_file, job, study).status == cohort::Status::Processed);
  const auto first = digests(study.root);
  CHECK(first.contains(fmt::format("overviews/{}.png", id)));
  CHECK(run(*slide_file, job, study).status == cohort::Status::AlreadyExist);
  CHECK(digests(study.root) == first);

  // A file that a killed run did not make is made again, to the same bytes.
  std::filesystem::remove(study.region_features(id, ".pt"));
  CHECK(run(*slide_file, job, study).status == cohort::Status::Processed);
  CHECK(digests(study.root) == first);

  std::string message;
  SlideJob other = job;
  other.encode.weights256 = "random:other";
  CHECK(test::error_of([&] { run(*slide_file, other, study); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("vit256.weights_sha256") != std::string::npos);
  CHECK(message.find("--no_auto_skip") != std::string::npos);
  CHECK(digests(study.root) == first);
  other.auto_skip = false;
  CHECK(run(*slide_file, other, study).status == cohort::Status::Processed);
  CHECK(digests(study.root) != first);

  SlideJob coarser = job;
  coarser.tile.patch_size = 2048;
  CHECK(test::error_of([&] { run(*slide_file, coarser, study); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("patch_size") != std::string::npos);
}

TEST_CASE("encode: what another precision made is refused and ResNet-50 has one alone") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  const SlideJob job = tiny_job(folder, 1024);
  const cohort::StudyFolder study{folder / "study"};
  CHECK(run(*slide_file, job, study).status == cohort::Status::Processed);

  SlideJob rounded = job;
  rounded.encode.precision = vit::Precision::Bfloat16;
  Models models = load_models(job.encode, true, 2);
  const auto weights = vit::weights_from("random:tiny", models.vit256->config());
  models.vit256 = vit::make_cpu_engine(weights, vit::Precision::Bfloat16, vit::IfLacking::Emulate);
  models.patch_encoder = make_vit_patch_encoder(models.vit256, *weights, vit::Precision::Bfloat16, 2);
  cohort::SlideEntry entry;
  entry.path = *slide_file;
  entry.id = slide_file->stem().string();
  const auto go = [&] { encode_slide(entry, study, rounded, models, test::quiet_context(), [] { return true; }); };
  std::string message;
  CHECK(test::error_of(go, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("precision") != std::string::npos, message);
  CHECK_MESSAGE(message.find("bf16") != std::string::npos, message);

  rounded.encode.model = PatchModel::Resnet50Trunc;
  CHECK(test::error_of([&] { load_models(rounded.encode, false, 2); }, &message) == ErrorCode::InvalidArgument);
  CHECK_MESSAGE(message.find("runs in f32 alone") != std::string::npos, message);
}

TEST_CASE("encode: a slide without tissue gets empty files and a reason") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  SlideJob job = tiny_job(folder, 1024);
  job.tissue = tissue::preset("default");  // its area filter drops all tissue of so small a slide
  job.encode.overview = true;
  const cohort::StudyFolder study{folder / "study"};
  const std::string id = slide_file->stem().string();
  const cohort::Outcome outcome = run(*slide_file, job, study);
  CHECK(outcome.status == cohort::Status::Processed);
  CHECK(outcome.reason.find("bwh_biopsy") != std::string::npos);
  CHECK(io::read_torch_file(study.patch_features(id, ".pt")).tensor()->shape() == Shape{0, 16, 32});
  CHECK(io::Hdf5File::open(study.region_features(id, ".h5")).dataset_shape("features") == Shape{0, 16});
  CHECK(io::Hdf5File::open(study.coordinates(id)).dataset_shape("coords") == Shape{0, 2});
  CHECK_FALSE(std::filesystem::exists(study.slide_features(id, ".pt")));
  CHECK(run(*slide_file, job, study).status == cohort::Status::AlreadyExist);

  SlideJob patches = tiny_job(folder, 256);
  patches.tissue = job.tissue;
  const cohort::StudyFolder patch_study{folder / "patches"};
  CHECK(run(*slide_file, patches, patch_study).reason == outcome.reason);
  CHECK(io::read_torch_file(patch_study.patch_features(id, ".pt")).tensor()->shape() == Shape{0, 32});
  CHECK(io::Hdf5File::open(patch_study.patch_features(id, ".h5")).dataset_shape("features") == Shape{0, 32});
}

TEST_CASE("encode: the slide vector goes when a run finds no regions any more") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  SlideJob job = tiny_job(folder, 1024);
  const cohort::StudyFolder study{folder / "study"};
  const std::string id = slide_file->stem().string();
  run(*slide_file, job, study);
  REQUIRE(std::filesystem::exists(study.slide_features(id, ".pt")));
  job.tissue = tissue::preset("default");
  job.auto_skip = false;
  CHECK_FALSE(run(*slide_file, job, study).reason.empty());
  CHECK_FALSE(std::filesystem::exists(study.slide_features(id, ".pt")));
  CHECK_FALSE(std::filesystem::exists(study.slide_features(id, ".h5")));
}

TEST_CASE("encode: --as_region on a picture gives the published asset dictionary of hipt4k/r1024x768") {
  const auto slide_file = test::demo_slide();
  if (!slide_file) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const test::TemporaryFolder folder;
  const image::RgbImage pixels = slide::open_slide(*slide_file)->read_region({300, 500}, 0, {1024, 768});
  REQUIRE(sha256_hex(std::as_bytes(std::span(pixels.data(), pixels.byte_size()))) ==
          "4b8a5ccf160cff6a002aef84c42c263139e6e7aa52cf7b4e1cc458cd63a648fe");
  image::write_png(folder / "picture.png", pixels.view());

  EncodeOptions options;
  options.weights256 = "random:gold1";
  options.weights4k = "random:gold1";
  const cohort::StudyFolder study{folder / "study"};
  encode_as_region(folder / "picture.png", study, load_models(options, true, 2), test::quiet_context());
  const io::TorchValue pt = io::read_torch_file(study.region_assets("picture", ".pt"));
  const io::Hdf5File h5 = io::Hdf5File::open(study.region_assets("picture", ".h5"));
  for (const std::string name : {"features_cls256", "features_mean256", "features_cls4k"}) {
    const std::string case_id = "hipt4k/r1024x768_" + name;
    const Array expected = test::golden_array(case_id + ".npy");
    REQUIRE(pt.find(name) != nullptr);
    const Array& tensor = *pt.find(name)->tensor();
    CHECK(tensor.shape() == expected.shape());
    test::check_close(case_id, tensor.as<float>(), expected.as<float>(), 1e-4);
    const Array in_h5 = h5.read_dataset(name);
    CHECK(std::memcmp(in_h5.bytes(), tensor.bytes(), tensor.byte_size()) == 0);
  }
  CHECK(pt.find("features_mean256_cls4k")->tensor()->shape() == Shape{1, 576});
}

TEST_CASE("encode: patch sizes that no model reads are refused") {
  CHECK_FALSE(encodes_regions({}, 256));
  CHECK_FALSE(encodes_regions({}, 224));
  CHECK(encodes_regions({}, 512));
  CHECK(encodes_regions({}, 4096));
  EncodeOptions resnet;
  resnet.model = PatchModel::Resnet50Trunc;
  CHECK_FALSE(encodes_regions(resnet, 100));
  std::string told;
  CHECK(test::error_of([&] { encodes_regions(resnet, 4096); }, &told) == ErrorCode::InvalidArgument);
  CHECK(told.find("--target_patch_size") != std::string::npos);
  resnet.weights_resnet = "random:x";
  CHECK(test::error_of([&] { load_models(resnet, true, 1); }) == ErrorCode::InvalidArgument);
  resnet.target_patch_size = 256;
  CHECK_FALSE(encodes_regions(resnet, 512));
  EncodeOptions reduced;
  reduced.target_patch_size = 224;
  CHECK_FALSE(encodes_regions(reduced, 512));
  for (const std::int64_t size : {100, 257, 4000}) {
    std::string message;
    CHECK(test::error_of([&] { encodes_regions({}, size); }, &message) == ErrorCode::InvalidArgument);
    CHECK(message.find(std::to_string(size)) != std::string::npos);
  }
}

}  // namespace
}  // namespace hipt::encode
