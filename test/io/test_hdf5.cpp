#include <algorithm>
#include <thread>

#include <doctest/doctest.h>

#include "hipt/io/hdf5.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::io::Attributes;
using hipt::test::error_of;

namespace {

Array counted(DType dtype, const Shape& shape) {
  Array array(dtype, shape);
  for (std::size_t i = 0; i < array.byte_size(); ++i) array.mutable_bytes()[i] = std::byte(i % 2);
  return array;
}

bool same_bytes(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.bytes(), a.bytes() + a.byte_size(), b.bytes());
}

// The attributes of CLAM's coordinates (oracle clam/layout.json) in its writing order.
Attributes clam_attributes() {
  return {{"patch_size", std::int64_t{256}},
          {"patch_level", std::int64_t{0}},
          {"downsample", std::vector<double>{1.0, 1.0}},
          {"downsampled_level_dim", std::vector<std::int64_t>{2220, 2967}},
          {"level_dim", std::vector<std::int64_t>{2220, 2967}},
          {"name", std::string("CMU-1-Small-Region")},
          {"save_path", std::string("../layout/pre/patches")}};
}

void write_small_file(const std::filesystem::path& path) {
  io::Hdf5File file = io::Hdf5File::create(path);
  file.create_dataset("coords", DType::Int64, {2}, 1);
  file.append_rows("coords", counted(DType::Int64, {5, 2}));
  file.write_attributes("coords", clam_attributes());
  file.close();
}

}  // namespace

TEST_CASE("hdf5 reads the coordinates file of published CLAM: oracle clam/layout patches.h5") {
  const io::Hdf5File file = io::Hdf5File::open(test::golden("clam/layout/patches.h5"));
  CHECK(file.dataset_names() == std::vector<std::string>{"coords"});
  CHECK(file.dataset_shape("coords") == Shape{50, 2});
  CHECK(file.dataset_dtype("coords") == DType::Int64);
  Attributes expected = clam_attributes();
  std::sort(expected.begin(), expected.end());
  CHECK(file.read_attributes("coords") == expected);
  CHECK(file.read_attributes("/").empty());
  const Array coords = file.read_dataset("coords");
  const Array last = file.read_rows("coords", 49, 1);
  CHECK(std::ranges::equal(last.as<std::int64_t>(), coords.as<std::int64_t>().last(2)));
}

TEST_CASE("hdf5 reads the features file of published CLAM: oracle clam/layout features-2024.h5") {
  const auto path = test::shared_oracle("clam/layout/features-2024.h5");
  if (!path) return test::skip("the oracle's clam/layout/features-2024.h5 is absent");
  const io::Hdf5File file = io::Hdf5File::open(*path);
  CHECK(file.dataset_names() == std::vector<std::string>{"coords", "features"});
  CHECK(file.dataset_dtype("coords") == DType::Int32);
  const Array features = file.read_dataset("features");
  REQUIRE(features.shape() == Shape{50, 1024});
  std::vector<float> expected;
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 1024; ++j) expected.push_back(static_cast<float>((1024 * i + 7 * j) % 997) / 997.0f - 0.5f);
  }
  test::check_close("clam/layout features-2024.h5 against its formula", features.as<float>(), expected, 6e-8);
}

TEST_CASE("hdf5 rows appended in pieces read back as one") {
  const test::TemporaryFolder folder;
  io::Hdf5File file = io::Hdf5File::create(folder / "a.h5");
  file.create_dataset("features", DType::Float32, {3, 4}, 2);
  Array all = Array::of<float>({7, 3, 4});
  for (std::size_t i = 0; i < all.size(); ++i) all.as_mutable<float>()[i] = static_cast<float>(i);
  std::int64_t written = 0;
  for (const std::int64_t count : {3, 0, 1, 3}) {
    Array piece = Array::of<float>({count, 3, 4});
    std::ranges::copy(all.as<float>().subspan(static_cast<std::size_t>(written) * 12, piece.size()),
                      piece.as_mutable<float>().begin());
    file.append_rows("features", piece);
    written += count;
  }
  file.close();

  const io::Hdf5File back = io::Hdf5File::open(folder / "a.h5");
  CHECK(same_bytes(back.read_dataset("features"), all));
  CHECK(back.read_rows("features", 2, 2).as<float>()[0] == 24.0f);
  CHECK(back.read_rows("features", 7, 0).shape() == Shape{0, 3, 4});
  CHECK(error_of([&] { back.read_rows("features", 6, 2); }) == ErrorCode::InvalidArgument);
  CHECK(error_of([&] { back.read_rows("features", -1, 1); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("hdf5 keeps every dtype and shape") {
  const test::TemporaryFolder folder;
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Bool, DType::UInt8,
                            DType::Int8, DType::Int16, DType::Int32, DType::Int64}) {
    for (const Shape& shape : {Shape{}, Shape{6}, Shape{0, 2}, Shape{3, 4}}) {
      CAPTURE(to_string(dtype));
      CAPTURE(to_string(shape));
      const Array array = counted(dtype, shape);
      io::Hdf5File file = io::Hdf5File::create(folder / "a.h5");
      file.write_dataset("x", array);
      file.close();
      CHECK(same_bytes(io::Hdf5File::open(folder / "a.h5").read_dataset("x"), array));
    }
  }
}

TEST_CASE("hdf5 attributes of every kind read back, sorted by name") {
  const test::TemporaryFolder folder;
  const Attributes written{{"text", std::string("Gewebe µm")},
                           {"empty", std::string()},
                           {"big", std::int64_t{1} << 60},
                           {"mpp", 0.499},
                           {"sizes", std::vector<std::int64_t>{1, -2, 3}},
                           {"none", std::vector<double>{}}};
  io::Hdf5File file = io::Hdf5File::create(folder / "a.h5");
  file.write_attributes("/", written);
  file.close();
  Attributes expected = written;
  std::sort(expected.begin(), expected.end());
  const Attributes back = io::Hdf5File::open(folder / "a.h5").read_attributes("/");
  CHECK(back == expected);
  CHECK(io::find_attribute<double>(back, "mpp") == 0.499);
  CHECK_FALSE(io::find_attribute<double>(back, "big").has_value());
}

TEST_CASE("hdf5 bytes are a function of the content") {
  const test::TemporaryFolder folder;
  write_small_file(folder / "a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5's object times count whole seconds
  write_small_file(folder / "b.h5");
  CHECK(test::read_text(folder / "a.h5") == test::read_text(folder / "b.h5"));
}

TEST_CASE("hdf5 errors name the file and the place") {
  const test::TemporaryFolder folder;
  std::string message;
  CHECK(error_of([&] { io::Hdf5File::open(folder / "absent.h5"); }) == ErrorCode::NotFound);
  test::write_text(folder / "text.h5", "this is no HDF5 file");
  CHECK(error_of([&] { io::Hdf5File::open(folder / "text.h5"); }, &message) == ErrorCode::Corrupt);
  CHECK(message.find("text.h5") != std::string::npos);
  CHECK(message.find("signature") != std::string::npos);
  CHECK(error_of([&] { io::Hdf5File::create(folder / "no/such/folder.h5"); }) == ErrorCode::Io);

  write_small_file(folder / "a.h5");
  io::Hdf5File file = io::Hdf5File::open(folder / "a.h5");
  CHECK(file.has_dataset("coords"));
  CHECK_FALSE(file.has_dataset("features"));
  CHECK(error_of([&] { file.read_dataset("features"); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("features") != std::string::npos);
  CHECK(error_of([&] { file.append_rows("coords", Array::of<float>({1, 2})); }) == ErrorCode::Internal);
  CHECK(error_of([&] { file.append_rows("coords", Array::of<std::int64_t>({1, 2})); }) == ErrorCode::Io);  // read-only
  file.close();
  CHECK(error_of([&] { file.dataset_names(); }) == ErrorCode::Internal);
}

TEST_CASE("hdf5 files cut short are errors") {
  const test::TemporaryFolder folder;
  write_small_file(folder / "a.h5");
  const std::string whole = test::read_text(folder / "a.h5");
  for (std::size_t size = 0; size < whole.size(); size += 61) {
    test::write_text(folder / "cut.h5", whole.substr(0, size));
    CHECK(error_of([&] { io::Hdf5File::open(folder / "cut.h5").read_dataset("coords"); }) == ErrorCode::Corrupt);
  }
}

TEST_CASE("hdf5 works from many threads, each with its file") {
  const test::TemporaryFolder folder;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto path = folder / std::to_string(i);
      for (int round = 0; round < 10; ++round) {
        write_small_file(path);
        io::Hdf5File::open(path).read_attributes("coords");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(test::read_text(folder / "0") == test::read_text(folder / "3"));
}

TEST_CASE("hdf5 datasets that promise more than their file holds are errors") {
  const test::TemporaryFolder folder;
  write_small_file(folder / "a.h5");
  // The shape's first dimension, 5, stands before the maximum (unlimited: all ones) in the dataspace message.
  const std::string whole = test::read_text(folder / "a.h5");
  const std::string shape("\x05\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 24);
  const std::size_t at = whole.find(shape);
  REQUIRE(at != std::string::npos);
  for (const int byte : {1, 4, 7}) {
    std::string changed = whole;
    changed[at + static_cast<std::size_t>(byte)] = 1;
    test::write_text(folder / "changed.h5", changed);
    const io::Hdf5File file = io::Hdf5File::open(folder / "changed.h5");
    CHECK(error_of([&] { file.read_dataset("coords"); }) == ErrorCode::Corrupt);
    CHECK(error_of([&] { file.read_rows("coords", 0, 1); }) == ErrorCode::Corrupt);
  }
}
