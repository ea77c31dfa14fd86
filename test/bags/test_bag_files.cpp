#include <limits>

#include <doctest/doctest.h>

#include "hipt/bags/bag_files.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

void write_bag(const std::filesystem::path& file, const Array& bag) {
  std::filesystem::create_directories(file.parent_path());
  if (file.extension() == ".h5") {
    io::Hdf5File h5 = io::Hdf5File::create(file);
    h5.write_dataset("features", bag);
    h5.close();
    return;
  }
  io::TorchTensorWriter writer(file, bag.dtype(), bag.shape());
  writer.append({bag.bytes(), bag.byte_size()});
  writer.close();
}

Array made_bag(Shape shape, float last = 1) {
  Array bag = Array::of<float>(std::move(shape));
  if (!bag.empty()) bag.as_mutable<float>().back() = last;
  return bag;
}

}  // namespace

TEST_CASE("bags are found in the published order and missing ones are told in one message") {
  const test::TemporaryFolder folder;
  bags::Dataset dataset{.slides = {{"a", "P", 0}, {"b", "Q", 1}, {"c", "R", 0}}, .classes = 2};
  bags::BagPlaces places;
  places.bags = folder / "bags";
  places.data_root_dir = folder.path();
  places.studies = bags::find_task("tcga_lung_subtype").studies;
  places.group = "tcga_lung";
  const std::string study = "tcga_lusc/extracted_mag20x_patch4096_fp/vits_tcga_pancancer_dino_pt_patch_features/";
  std::string message;
  CHECK(test::error_of([&] { bags::find_bags(dataset, places, true); }, &message) == ErrorCode::NotFound);
  write_bag(folder / "bags/a.h5", made_bag({1, 384}));
  write_bag(folder / (study + "a.pt"), made_bag({2, 384}));
  write_bag(folder / (study + "b.pt"), made_bag({2, 256, 384}));
  CHECK(test::error_of([&] { bags::find_bags(dataset, places, false); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("1 of 3 slides") != std::string::npos);
  CHECK(message.find("\n  c\n") != std::string::npos);
  CHECK(bags::find_bags(dataset, places, true).back().empty());
  write_bag(folder / "tcga_lung_20x_features/h5_files/c.h5", made_bag({3, 192}));
  const auto files = bags::find_bags(dataset, places, false);
  CHECK(files[0] == folder / "bags/a.h5");
  CHECK(bags::read_bag(files[0]).shape() == Shape{1, 384});
  CHECK(bags::read_bag(files[1]).shape() == Shape{2, 256, 384});
  CHECK(bags::read_bag(files[2]).shape() == Shape{3, 192});
}

TEST_CASE("a bag without instances or with a value that is not finite or of another shape is an error") {
  const test::TemporaryFolder folder;
  std::string message;
  for (const char* const name : {"x.pt", "x.h5"}) {
    write_bag(folder / name, made_bag({2, 8}, std::numeric_limits<float>::quiet_NaN()));
    CHECK(test::error_of([&] { bags::read_bag(folder / name); }, &message) == ErrorCode::Corrupt);
    CHECK(message.find("row 1") != std::string::npos);
  }
  write_bag(folder / "empty.pt", made_bag({0, 8}));
  CHECK(test::error_of([&] { bags::read_bag(folder / "empty.pt"); }, &message) == ErrorCode::Corrupt);
  CHECK(message.find("empty.pt") != std::string::npos);
  write_bag(folder / "flat.pt", made_bag({8}));
  CHECK(test::error_of([&] { bags::read_bag(folder / "flat.pt"); }) == ErrorCode::Corrupt);
}
