// Coordinate files: the structure of the published ones, and reading CLAM's, TRIDENT's and broken ones.

#include <memory>

#include <fmt/format.h>
#include <hdf5.h>

#include "hipt/io/hdf5.h"
#include "hipt/tiling/tiling.h"

#include "test/support/clam_oracle.h"
#include "test/support/support.h"
#include "test/tiling/fake_slide.h"

namespace hipt::test {
namespace {

class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) { REQUIRE(id >= 0); }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

nlohmann::json dims_of(const std::vector<hsize_t>& dims) {
  nlohmann::json list = nlohmann::json::array();
  for (const hsize_t dim : dims) list.push_back(dim == H5S_UNLIMITED ? nlohmann::json() : nlohmann::json(dim));
  return list;
}

// The layout of a dataset in the words of the oracle's layout.json.
nlohmann::json layout_of(const std::filesystem::path& path, const char* name) {
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> shape(rank), most(rank), chunks(rank);
  H5Sget_simple_extent_dims(space, shape.data(), most.data());
  REQUIRE(H5Pget_chunk(properties, rank, chunks.data()) == rank);
  return {{"dtype", H5Tequal(type, H5T_STD_I64LE) > 0 ? "<i8" : "other"},
          {"shape", dims_of(shape)},
          {"maxshape", dims_of(most)},
          {"chunks", dims_of(chunks)},
          {"filters", H5Pget_nfilters(properties)},
          {"rank", rank}};
}

// Class, size, shape and charset of an attribute.
nlohmann::json attribute_layout(const std::filesystem::path& path, const char* name) {
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Handle attribute(H5Aopen_by_name(file, "coords", name, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  std::vector<hsize_t> shape(H5Sget_simple_extent_ndims(space));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  nlohmann::json layout = {{"size", H5Tget_size(type)}, {"shape", dims_of(shape)}};
  if (H5Tget_class(type) == H5T_STRING) {
    layout["h5_class"] = "TypeStringID";
    layout["variable_length"] = H5Tis_variable_str(type) > 0;
    layout["charset"] = H5Tget_cset(type) == H5T_CSET_UTF8 ? "utf-8" : "ascii";
    layout["padding"] = static_cast<int>(H5Tget_strpad(type));
  } else {
    const bool real = H5Tget_class(type) == H5T_FLOAT;
    layout["h5_class"] = real ? "TypeFloatID" : "TypeIntegerID";
    layout["dtype"] = H5Tequal(type, real ? H5T_IEEE_F64LE : H5T_STD_I64LE) > 0 ? (real ? "<f8" : "<i8") : "other";
  }
  return layout;
}

// The file of case cmu-bwh_biopsy-256 as hipt writes it; the slide's facts without its pixels.
std::filesystem::path write_biopsy(const TemporaryFolder& folder) {
  const FakeSlide slide({{2220, 2967}}, 20, 0.499);
  tiling::TileOptions options;
  options.patch_level = 0;
  tiling::Coordinates coordinates;
  const auto rows = clam_array("coords.npz", "cmu-bwh_biopsy-256").as<std::int32_t>();
  for (std::size_t i = 0; i < rows.size(); i += 2) coordinates.points.push_back({rows[i], rows[i + 1]});
  cohort::Fingerprint fingerprint;
  fingerprint.set("a_t", "1");
  const std::filesystem::path file = folder / "patches/biopsy.h5";
  tiling::write_coordinates(file, slide, options, coordinates, fingerprint);
  return file;
}

TEST_CASE("patches h5 has the structure that the published script writes: layout.json") {
  const TemporaryFolder folder;
  const std::filesystem::path file = write_biopsy(folder);
  const nlohmann::json published =
      nlohmann::json::parse(read_text(golden("clam/layout.json"))).at("patches_h5").at("datasets").at("coords");
  const nlohmann::json ours = layout_of(file, "coords");
  for (const auto& [name, value] : ours.items()) CHECK_MESSAGE(value == published.at(name), name);
  for (const auto& [name, described] : published.at("attrs").items()) {
    nlohmann::json expected = described;
    expected.erase("python_value");
    // h5py prints the size of a variable-length string as that of a pointer pair; HDF5 says the same number of bytes.
    nlohmann::json layout = attribute_layout(file, name.c_str());
    if (layout["h5_class"] == "TypeStringID") layout["size"] = expected["size"];
    CHECK_MESSAGE(layout == expected, fmt::format("{}: {} instead of {}", name, layout.dump(), expected.dump()));
  }
}

TEST_CASE("coordinates of the published file and of ours are the same: clam layout/patches.h5") {
  const TemporaryFolder folder;
  std::optional<cohort::Fingerprint> fingerprint;
  const tiling::Coordinates ours = tiling::read_coordinates(write_biopsy(folder), &fingerprint);
  REQUIRE(fingerprint.has_value());
  CHECK(fingerprint->entries().at("a_t") == "1");
  const tiling::Coordinates published = tiling::read_coordinates(golden("clam/layout/patches.h5"), &fingerprint);
  CHECK(!fingerprint.has_value());
  CHECK(published.points == ours.points);
  CHECK(published.pixels.level == 0);
  CHECK(published.pixels.read_size == 256);
  CHECK(tiling::coordinates_sha256(published) == "eae1478540902123588d875ff782916f120f34e9483b78840f9f025ac83e569a");
}

TEST_CASE("an empty slide has an h5 with no rows") {
  const TemporaryFolder folder;
  tiling::Coordinates none;
  none.reason = "no tissue: made up";
  tiling::TileOptions by_level;
  by_level.patch_level = 0;
  tiling::write_coordinates(folder / "none.h5", FakeSlide({{2220, 2967}}, std::nullopt, std::nullopt), by_level, none,
                            {});
  CHECK(layout_of(folder / "none.h5", "coords").at("shape") == nlohmann::json({0, 2}));
  const tiling::Coordinates read = tiling::read_coordinates(folder / "none.h5");
  CHECK(read.points.empty());
  CHECK(read.reason == none.reason);
  const auto attributes = io::Hdf5File::open(folder / "none.h5").read_attributes("coords");
  CHECK(!io::find_attribute<std::int64_t>(attributes, "level0_magnification"));  // unknown: left out
}

TEST_CASE("attributes of TRIDENT stand beside those of CLAM") {
  const TemporaryFolder folder;
  const auto attributes = io::Hdf5File::open(write_biopsy(folder)).read_attributes("coords");
  const auto whole = [&](std::string_view name) { return io::find_attribute<std::int64_t>(attributes, name); };
  CHECK(whole("custom_downsample") == 1);
  CHECK(whole("patch_size_level0") == 256);
  CHECK(whole("level0_magnification") == 20);
  CHECK(whole("target_magnification") == 20);
  CHECK(whole("overlap") == 0);
  CHECK(whole("level0_width") == 2220);
  CHECK(whole("level0_height") == 2967);
}

TEST_CASE("the pixel rule and its scales stand in the file and give the same rule back") {
  const TemporaryFolder folder;
  const FakeSlide slide({{80000, 60000}, {20000, 15000}}, 40, 0.265);
  const auto written = [&](const tiling::TileOptions& options) {
    tiling::Coordinates coordinates;
    coordinates.points = {{100, 60}};
    coordinates.pixels = tiling::resolve_pixels(slide, options);
    tiling::write_coordinates(folder / "one.h5", slide, options, coordinates, {});
    const tiling::PixelRule read = tiling::read_coordinates(folder / "one.h5").pixels;
    CHECK(read.level == coordinates.pixels.level);
    CHECK(read.read_size == coordinates.pixels.read_size);
    CHECK(read.patch_size == coordinates.pixels.patch_size);
    return io::Hdf5File::open(folder / "one.h5").read_attributes("coords");
  };
  const auto whole = [](const io::Attributes& a, std::string_view name) {
    return io::find_attribute<std::int64_t>(a, name);
  };
  const auto real = [](const io::Attributes& a, std::string_view name) { return io::find_attribute<double>(a, name); };
  tiling::TileOptions options;
  const io::Attributes by_mag = written(options);  // 20x of a 40x slide
  CHECK(whole(by_mag, "patch_size") == 512);
  CHECK(whole(by_mag, "custom_downsample") == 1);
  CHECK(whole(by_mag, "target_patch_size") == 256);
  CHECK(whole(by_mag, "patch_size_level0") == 512);
  CHECK(whole(by_mag, "target_magnification") == 20);
  CHECK(real(by_mag, "patch_mpp") == doctest::Approx(0.53));
  CHECK(!real(by_mag, "target_mpp"));
  options.mpp = 0.5;
  const io::Attributes by_mpp = written(options);
  CHECK(whole(by_mpp, "patch_size") == 483);
  CHECK(whole(by_mpp, "target_patch_size") == 256);
  CHECK(whole(by_mpp, "patch_size_level0") == 483);
  CHECK(real(by_mpp, "level0_mpp") == 0.265);
  CHECK(real(by_mpp, "target_mpp") == 0.5);
  CHECK(real(by_mpp, "patch_mpp") == doctest::Approx(0.265 * 483 / 256));
  options.align_regions = true;
  CHECK(whole(written(options), "region_size") == 4096);
}

void write_foreign(const std::filesystem::path& file, const Array& rows, const io::Attributes& attributes) {
  io::Hdf5File h5 = io::Hdf5File::create(file);
  h5.create_dataset("coords", rows.dtype(), {rows.dim(1)}, 1);
  h5.append_rows("coords", rows);
  h5.write_attributes("coords", attributes);
  h5.close();
}

TEST_CASE("files of TRIDENT and of CLAM with a custom downsample are read") {
  const TemporaryFolder folder;
  Array rows = Array::of<std::int64_t>({1, 2});
  rows.as_mutable<std::int64_t>()[0] = 512;
  // A 40x slide at 20x, as TRIDENT's attributes say it (spec 60, 6.2).
  write_foreign(folder / "trident.h5", rows,
                {{"patch_size", std::int64_t{256}}, {"patch_size_level0", std::int64_t{512}}});
  const tiling::Coordinates trident = tiling::read_coordinates(folder / "trident.h5");
  CHECK(trident.points == std::vector<Level0Point>{{512, 0}});
  CHECK(trident.pixels.level == 0);
  CHECK(trident.pixels.read_size == 512);
  CHECK(trident.pixels.patch_size == 256);
  write_foreign(
      folder / "custom.h5", rows,
      {{"patch_size", std::int64_t{256}}, {"patch_level", std::int64_t{1}}, {"custom_downsample", std::int64_t{2}}});
  const tiling::Coordinates custom = tiling::read_coordinates(folder / "custom.h5");
  CHECK(custom.pixels.level == 1);
  CHECK(custom.pixels.read_size == 512);
  CHECK(custom.pixels.patch_size == 256);
}

TEST_CASE("broken coordinate files are refused with file and reason") {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& reason) {
    std::string message;
    CHECK(error_of([&] { tiling::read_coordinates(folder / "broken.h5"); }, &message) == ErrorCode::Corrupt);
    CHECK_MESSAGE(message.find(reason) != std::string::npos, message);
    CHECK_MESSAGE(message.find("broken.h5") != std::string::npos, message);
  };
  const Array pairs = Array::of<std::int64_t>({3, 2});
  write_foreign(folder / "broken.h5", pairs, {});
  refuses("patch_size");
  write_foreign(folder / "broken.h5", pairs, {{"patch_size", std::int64_t{256}}});
  refuses("neither patch_level");
  write_foreign(folder / "broken.h5", pairs, {{"patch_size", std::int64_t{-1}}, {"patch_level", std::int64_t{0}}});
  refuses("patch_size = -1");
  write_foreign(folder / "broken.h5", pairs, {{"patch_size", std::int64_t{1}}, {"patch_level", std::int64_t{1} << 40}});
  refuses("patch_level");
  write_foreign(folder / "broken.h5", Array::of<std::int64_t>({3, 3}), {});
  refuses("expected int64 [N, 2]");
  write_foreign(folder / "broken.h5", Array::of<float>({3, 2}), {});
  refuses("float32");
  write_text(folder / "broken.h5", read_text(golden("clam/layout/patches.h5")).substr(0, 3000));
  CHECK(error_of([&] { tiling::read_coordinates(folder / "broken.h5"); }) == ErrorCode::Corrupt);
  CHECK(error_of([&] { tiling::read_coordinates(folder / "absent.h5"); }) == ErrorCode::NotFound);
}

}  // namespace
}  // namespace hipt::test
