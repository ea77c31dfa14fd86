// The pretraining folders made from a small cohort of real and broken slides: pixels equal those read apart from the
// program's own way, rows equal those of the region features.

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "hipt/encode/encode_slide.h"
#include "hipt/encode/feature_file.h"
#include "hipt/encode/pretraining_data.h"
#include "hipt/image/png.h"
#include "hipt/image/resample.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"

#include "test/encode/tiny_models.h"
#include "test/support/support.h"

namespace hipt::encode {
namespace {

// A study "tcga_x" with the demo slide as WSIs/one.svs, encoded as regions of 512 px at `mag`.
struct Cohort {
  test::TemporaryFolder folder;
  std::filesystem::path root = folder / "root";
  PretrainingOptions options;
  std::shared_ptr<const slide::Slide> slide;
  std::vector<Level0Point> regions;

  Cohort(const std::filesystem::path& demo, double mag) {
    options.root_dir = root.string();
    options.save_dir = (folder / "out").string();
    options.patch_size = 512;
    options.mag = mag;
    add_slide(demo, "tcga_x", "one");
    slide = slide::open_slide(root / "tcga_x/WSIs/one.svs");
    SlideJob job = tiny_job(folder, 512);
    job.tile.mag = mag;
    cohort::SlideEntry entry;
    entry.path = slide->path();
    entry.id = slide->id();
    encode_slide(entry, study("tcga_x"), job, load_models(job.encode, true, 2), test::quiet_context(),
                 [] { return true; });
    regions = tiling::read_coordinates(study("tcga_x").coordinates("one")).points;
  }

  cohort::StudyFolder study(const std::string& name) const {
    return cohort::study_output(root / name, options.mag, options.patch_size);
  }
  void add_slide(const std::filesystem::path& file, const std::string& name, const std::string& id) const {
    std::filesystem::create_directories(root / name / "WSIs");
    std::filesystem::create_symlink(file, root / name / "WSIs" / (id + ".svs"));
  }
  std::filesystem::path patches() const { return folder / "out/patch_256_pretraining"; }
  std::filesystem::path region_files() const { return folder / "out/region_4096_pretraining"; }
};

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

bool same_pixels(RgbView a, RgbView b) {
  if (a.width != b.width || a.height != b.height) return false;
  for (int y = 0; y < a.height; ++y) {
    if (std::memcmp(a.row(y), b.row(y), static_cast<std::size_t>(a.width) * 3) != 0) return false;
  }
  return true;
}

TEST_CASE("pretraining patches are the cells of the regions and are made once") {
  const auto demo = test::demo_slide();
  if (!demo) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const Cohort cohort(*demo, 20);
  REQUIRE(cohort.regions.size() >= 4);
  const PretrainingSummary first = write_pretraining_patches(cohort.options, test::quiet_context());
  CHECK(first.slides == 1);
  CHECK(first.written == 4 * std::ssize(cohort.regions));
  CHECK(first.failed.empty());
  CHECK(names_in(cohort.patches()).size() == 4 * cohort.regions.size());
  for (const Level0Point origin : cohort.regions) {
    for (const std::int64_t dx : {0, 256}) {
      for (const std::int64_t dy : {0, 256}) {
        const image::RgbImage made =
            image::read_png(cohort.patches() / fmt::format("one_{}_{}.png", origin.x + dx, origin.y + dy));
        CHECK(
            same_pixels(made.view(), cohort.slide->read_region({origin.x + dx, origin.y + dy}, 0, {256, 256}).view()));
      }
    }
  }

  const std::string gone = *names_in(cohort.patches()).begin();
  std::filesystem::remove(cohort.patches() / gone);
  const PretrainingSummary second = write_pretraining_patches(cohort.options, test::quiet_context());
  CHECK(second.written == 1);
  CHECK(second.present == first.written - 1);
  CHECK(names_in(cohort.patches()).contains(gone));
}

TEST_CASE("pretraining patches of a finer slide are cut from the reduced region") {
  const auto demo = test::demo_slide();
  if (!demo) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const Cohort cohort(*demo, 10);  // a 20x slide: regions of 1024 px are reduced to 512
  CHECK(write_pretraining_patches(cohort.options, test::quiet_context()).written == 4 * std::ssize(cohort.regions));
  const Level0Point origin = cohort.regions.front();
  const image::RgbImage region =
      image::resample(cohort.slide->read_region(origin, 0, {1024, 1024}).view(), 512, 512, image::Filter::Bicubic);
  const image::RgbImage made =
      image::read_png(cohort.patches() / fmt::format("one_{}_{}.png", origin.x + 512, origin.y));
  CHECK(same_pixels(made.view(), region.view().crop(256, 0, 256, 256)));
}

TEST_CASE("pretraining patches chosen by a seed are always the same ones") {
  const auto demo = test::demo_slide();
  if (!demo) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const Cohort cohort(*demo, 20);
  const auto chosen = [&](const std::string& out, std::int64_t count, std::int64_t seed) {
    PretrainingOptions options = cohort.options;
    options.save_dir = (cohort.folder / out).string();
    options.patches_per_region = count;
    options.seed = seed;
    CHECK(write_pretraining_patches(options, test::quiet_context()).written == count * std::ssize(cohort.regions));
    return names_in(cohort.folder / out / "patch_256_pretraining");
  };
  const std::set<std::string> one = chosen("a", 1, 1);
  CHECK(one.size() == cohort.regions.size());
  CHECK(chosen("b", 1, 1) == one);
  CHECK(chosen("c", 1, 2) != one);
  const std::set<std::string> three = chosen("d", 3, 1);
  CHECK(std::includes(three.begin(), three.end(), one.begin(), one.end()));
  const std::filesystem::path name = *one.begin();
  CHECK(test::read_text(cohort.folder / "a/patch_256_pretraining" / name) ==
        test::read_text(cohort.folder / "d/patch_256_pretraining" / name));
}

TEST_CASE("pretraining regions are the rows of the region features") {
  const auto demo = test::demo_slide();
  if (!demo) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const Cohort cohort(*demo, 20);
  const cohort::StudyFolder study = cohort.study("tcga_x");
  const Array features = io::Hdf5File::open(study.patch_features("one", ".h5")).read_dataset("features");
  const PretrainingSummary first = write_pretraining_regions(cohort.options, test::quiet_context());
  CHECK(first.slides == 1);
  CHECK(first.written == features.dim(0));
  CHECK(names_in(cohort.region_files()).size() == cohort.regions.size());
  for (std::int64_t n = 1; n <= features.dim(0); ++n) {
    const io::TorchValue made = io::read_torch_file(cohort.region_files() / fmt::format("one_{}.pt", n));
    REQUIRE(made.tensor() != nullptr);
    CHECK(made.tensor()->shape() == Shape{4, 32});
    CHECK(std::memcmp(made.tensor()->bytes(),
                      features.bytes() + static_cast<std::size_t>(n - 1) * made.tensor()->byte_size(),
                      made.tensor()->byte_size()) == 0);
  }
  CHECK(write_pretraining_regions(cohort.options, test::quiet_context()).present == first.written);

  // The .h5 alone gives the same bytes, and features of other weights are not taken for these.
  const std::string bytes = test::read_text(cohort.region_files() / "one_1.pt");
  std::filesystem::remove(study.patch_features("one", ".pt"));
  std::filesystem::remove(cohort.region_files() / "one_1.pt");
  CHECK(write_pretraining_regions(cohort.options, test::quiet_context()).written == 1);
  CHECK(test::read_text(cohort.region_files() / "one_1.pt") == bytes);
  const Array other = Array::of<float>({2, 4, 32});
  io::TorchTensorWriter writer(study.patch_features("one", ".pt"), DType::Float32, other.shape());
  writer.append({other.bytes(), other.byte_size()});
  writer.close();
  const PretrainingSummary refused = write_pretraining_regions(cohort.options, test::quiet_context());
  REQUIRE(refused.failed.size() == 1);
  CHECK(refused.failed[0].first == "tcga_x/one");
  CHECK(refused.failed[0].second.find("made otherwise") != std::string::npos);
}

TEST_CASE("pretraining data: a bad slide is named and the others go on and colliding ids are refused") {
  const auto demo = test::demo_slide();
  if (!demo) return test::skip("the demo slide is absent: tools/setup --demo-slide fetches it");
  const Cohort cohort(*demo, 20);
  const cohort::StudyFolder bad = cohort.study("tcga_a_bad");
  const cohort::StudyFolder good = cohort.study("tcga_x");
  std::filesystem::create_directories(bad.coordinates("x").parent_path());
  test::write_text(bad.coordinates("broken"), "not HDF5");
  std::filesystem::copy_file(good.coordinates("one"), bad.coordinates("absent"));
  std::filesystem::create_directories(cohort.root / "tcga_a_bad/WSIs");
  const PretrainingSummary summary = write_pretraining_patches(cohort.options, test::quiet_context());
  CHECK(summary.slides == 3);
  CHECK(summary.written == 4 * std::ssize(cohort.regions));
  REQUIRE(summary.failed.size() == 2);
  CHECK(summary.failed[0].first == "tcga_a_bad/absent");
  CHECK(summary.failed[0].second.find("no slide absent") != std::string::npos);
  CHECK(summary.failed[1].first == "tcga_a_bad/broken");

  std::filesystem::copy_file(good.coordinates("one"), bad.coordinates("one"));
  std::string message;
  CHECK(test::error_of([&] { write_pretraining_patches(cohort.options, test::quiet_context()); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("tcga_a_bad and tcga_x") != std::string::npos);

  PretrainingOptions options = cohort.options;
  options.mag = 5;
  CHECK(test::error_of([&] { write_pretraining_regions(options, test::quiet_context()); }) == ErrorCode::NotFound);
  options.patch_size = 500;
  CHECK(test::error_of([&] { write_pretraining_regions(options, test::quiet_context()); }) ==
        ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace hipt::encode
