// Files for test/interop/test_io_files.py, which opens them with the Python libraries of the field.

#include <cstdlib>

#include <doctest/doctest.h>

#include "hipt/io/atomic_file.h"
#include "hipt/io/csv.h"
#include "hipt/io/geojson.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/npy.h"
#include "hipt/io/pickle_file.h"
#include "hipt/io/safetensors.h"
#include "hipt/io/tensorboard.h"
#include "hipt/io/torch_file.h"
#include "hipt/io/zip_writer.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

constexpr DType kAllTypes[] = {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Bool,
                               DType::UInt8,   DType::Int8,    DType::Int16,   DType::Int32,    DType::Int64};

// Elements 0, 1, 0, 1 ... (of the floats: zero and the number whose bits are 0x3c00, 0x3f80, ...: one).
Array alternating(DType dtype, const Shape& shape) {
  Array array(dtype, shape);
  const std::size_t size = size_of(dtype);
  std::uint64_t one = 1;
  if (dtype == DType::Float64) one = 0x3ff0000000000000;
  if (dtype == DType::Float32) one = 0x3f800000;
  if (dtype == DType::Float16) one = 0x3c00;
  if (dtype == DType::BFloat16) one = 0x3f80;
  for (std::size_t i = 1; i < array.size(); i += 2) {
    for (std::size_t byte = 0; byte < size; ++byte) {
      array.mutable_bytes()[i * size + byte] = static_cast<std::byte>(one >> (8 * byte) & 0xff);
    }
  }
  return array;
}

void write_hdf5(const std::filesystem::path& path, const std::vector<std::pair<std::string, Array>>& arrays) {
  io::Hdf5File file = io::Hdf5File::create(path);
  for (const auto& [name, array] : arrays) file.write_dataset(name, array);
  file.create_dataset("coords", DType::Int64, {2}, 1);
  file.append_rows("coords", alternating(DType::Int64, {50, 2}));
  file.write_attributes("coords", {{"patch_size", std::int64_t{256}},
                                   {"patch_level", std::int64_t{0}},
                                   {"downsample", std::vector<double>{1.0, 1.0}},
                                   {"downsampled_level_dim", std::vector<std::int64_t>{2220, 2967}},
                                   {"level_dim", std::vector<std::int64_t>{2220, 2967}},
                                   {"name", std::string("CMU-1-Small-Region")},
                                   {"save_path", std::string("../layout/pre/patches")}});
  file.close();
}

// A torch file in the 64-bit form of zip, which tensors of four gigabytes need.
void write_zip64(const std::filesystem::path& path, const std::filesystem::path& source) {
  io::ZipWriter zip(path, 100);
  for (const char* const name : {"data.pkl", "byteorder", "data/0", "version"}) {
    zip.add(std::string("archive/") + name, *io::read_torch_record(source, name));
  }
  zip.close();
}

// Three epochs, then a run that goes on from step 2.
void write_events(const std::filesystem::path& folder) {
  for (const std::int64_t first : {0, 2}) {
    io::EventFileWriter events(folder, first);
    for (std::int64_t epoch = first; epoch < first + 3; ++epoch) {
      events.scalar("train/loss", 1.0 / static_cast<double>(epoch + 1 + first), epoch);
      events.scalar("val/auc", 0.5 + 0.125 * static_cast<double>(epoch), epoch);
      events.flush();
    }
  }
}

}  // namespace

// Not a test by itself: test/interop/test_io_files.py runs it with --no-skip and reads what it wrote.
TEST_CASE("files for the interop test in Python" * doctest::skip()) {
  const char* const chosen = std::getenv("HIPT_INTEROP_DIR");
  REQUIRE(chosen != nullptr);
  const std::filesystem::path folder(chosen);
  std::vector<std::pair<std::string, Array>> arrays;
  for (const DType dtype : kAllTypes) arrays.emplace_back(to_string(dtype), alternating(dtype, {3, 5}));
  arrays.emplace_back("scalar", alternating(DType::Float32, {}));
  arrays.emplace_back("empty", alternating(DType::Float32, {0, 384}));
  arrays.emplace_back("four", alternating(DType::Float32, {2, 70000, 1, 1}));
  std::vector<std::pair<std::string, const Array*>> pointers;
  for (const auto& [name, array] : arrays) {
    pointers.emplace_back(name, &array);
    if (array.dtype() != DType::BFloat16) io::write_npy(folder / (name + ".npy"), array);
    io::TorchTensorWriter writer(folder / (name + ".pt"), array.dtype(), array.shape(),
                                 {{"hipt.json", "{\"precision\":\"f32\"}"}});
    writer.append({array.bytes(), array.byte_size()});
    writer.close();
  }
  io::write_torch_tensors(folder / "dict.pt", pointers);
  write_zip64(folder / "zip64.pt", folder / "four.pt");
  io::write_safetensors(folder / "all.safetensors", pointers, {{"made_by", "hipt"}});
  write_hdf5(folder / "all.h5", arrays);
  io::write_csv(folder / "table.csv", {{"slide", "note"}, {{"a.svs", "says \"x, y\""}, {"b", "two\nlines"}}});
  const std::vector<io::GeoPolygon> polygons{
      {{{0, 0}, {100, 0}, {100, 80}, {0, 80}}, {{{10, 10}, {20, 10}, {20, 20}}}, 0}};
  io::write_polygons(folder / "tissue.geojson", polygons);

  io::PickleWriter pickle;
  pickle.begin_dict();
  for (const DType dtype : kAllTypes) {
    if (dtype == DType::BFloat16) continue;  // NumPy has none
    pickle.text(to_string(dtype));
    pickle.array(alternating(dtype, {3, 5}));
  }
  pickle.text("text");
  pickle.text_array("TCGA-1");
  pickle.text("wide text");
  pickle.text_array("Präparat-1 切片 \U0001F52C");
  pickle.text("numbers");
  pickle.begin_dict();
  pickle.text("small");
  pickle.integer(-7);
  pickle.text("large");
  pickle.integer(std::int64_t{1} << 40);
  pickle.text("half");
  pickle.number(0.5);
  pickle.end_dict();
  pickle.end_dict();
  io::write_text_file(folder / "values.pkl", std::move(pickle).finish());
  write_events(folder / "events");
}
