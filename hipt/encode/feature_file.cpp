#include "hipt/encode/feature_file.h"

#include <cstring>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/version.h"
#include "hipt/cohort/output.h"
#include "hipt/image/png.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/torch_file.h"

namespace hipt::encode {
namespace {

constexpr std::int64_t kChunkRows = 32;  // as CLAM writes them

Array coordinate_rows(const tiling::Coordinates& coordinates) {
  Array rows = Array::of<std::int64_t>({static_cast<std::int64_t>(coordinates.points.size()), 2});
  const std::span<std::int64_t> values = rows.as_mutable<std::int64_t>();
  for (std::size_t i = 0; i < coordinates.points.size(); ++i) {
    values[2 * i] = coordinates.points[i].x;
    values[2 * i + 1] = coordinates.points[i].y;
  }
  return rows;
}

}  // namespace

struct FeatureFile::State {
  explicit State(FeatureFileSpec given) : spec(std::move(given)) {
    if (!spec.pt.empty()) {
      pt_file.emplace(spec.pt);
      pt = std::make_unique<io::TorchTensorWriter>(
          pt_file->temporary_path(), DType::Float32, spec.shape,
          std::vector<std::pair<std::string, std::string>>{{"hipt.json", spec.fingerprint.json()},
                                                           {"hipt_version", std::string(version())}});
    }
    if (!spec.h5.empty()) {
      h5_file.emplace(spec.h5);
      h5.emplace(io::Hdf5File::create(h5_file->temporary_path()));
      if (rows_of_slide()) {
        const Shape row_shape(spec.shape.begin() + 1, spec.shape.end());
        h5->create_dataset("features", DType::Float32, row_shape, block_rows());
      }
      h5->create_dataset("coords", DType::Int64, {2}, kChunkRows);
      h5->append_rows("coords", coordinate_rows(*spec.coordinates));
    }
  }

  bool rows_of_slide() const { return spec.shape.size() > 1; }
  // Rows that are written at once, a chunk of the .h5. A region's patches are one for themselves.
  std::int64_t block_rows() const { return spec.shape.size() == 2 ? kChunkRows : 1; }

  void append(std::span<const float> row) {
    const std::size_t size = static_cast<std::size_t>(block_rows()) * row.size();
    block.reserve(size);
    block.insert(block.end(), row.begin(), row.end());
    if (block.size() == size) write_block();
  }

  void write_block() {
    if (block.empty()) return;
    if (pt) pt->append(std::as_bytes(std::span(block)));
    if (h5) write_h5_block();
    block.clear();
  }

  void write_h5_block() {
    Shape shape = spec.shape;
    if (rows_of_slide()) {
      shape[0] = 1;
      shape[0] = static_cast<std::int64_t>(block.size()) / element_count(shape);
    }
    Array values(DType::Float32, shape);
    std::memcpy(values.mutable_bytes(), block.data(), block.size() * sizeof(float));
    if (rows_of_slide()) {
      h5->append_rows("features", values);
    } else {
      h5->write_dataset("features", values);
    }
  }

  void finish_h5() {
    h5->write_attributes("features", {{"encoder", spec.encoder}, {"name", spec.name}});
    h5->write_attributes("coords", spec.coordinate_attributes);
    h5->write_attributes("/",
                         {{"hipt_fingerprint", spec.fingerprint.json()}, {"hipt_version", std::string(version())}});
    h5->close();
  }

  FeatureFileSpec spec;
  std::optional<io::AtomicFile> pt_file;
  std::unique_ptr<io::TorchTensorWriter> pt;
  std::optional<io::AtomicFile> h5_file;
  std::optional<io::Hdf5File> h5;
  std::vector<float> block;  // rows that wait for others to be written with
};

FeatureFile::FeatureFile(FeatureFileSpec spec) : state_(std::make_unique<State>(std::move(spec))) {}
FeatureFile::~FeatureFile() = default;
FeatureFile::FeatureFile(FeatureFile&&) noexcept = default;

void FeatureFile::append(std::span<const float> row) {
  state_->append(row);
}

void FeatureFile::commit() {
  state_->write_block();
  if (state_->pt) state_->pt->close();
  if (state_->h5) state_->finish_h5();
  if (state_->pt_file) state_->pt_file->commit();
  if (state_->h5_file) state_->h5_file->commit();
}

FeatureRows open_feature_rows(const std::filesystem::path& file) {
  FeatureRows rows;
  const auto check = [&](DType dtype, const Shape& shape) {
    if (dtype != DType::Float32 || shape.size() < 2) {
      throw Error(ErrorCode::Corrupt, fmt::format("{}: holds {} {} instead of rows of float32", file.string(),
                                                  to_string(dtype), to_string(shape)));
    }
    rows.shape = shape;
  };
  if (file.extension() == ".pt") {
    const auto value = std::make_shared<const io::TorchValue>(io::read_torch_file(file));
    const Array* tensor = value->tensor();
    if (tensor == nullptr) throw Error(ErrorCode::Corrupt, fmt::format("{}: holds no tensor", file.string()));
    check(tensor->dtype(), tensor->shape());
    rows.read = [value, tensor](std::int64_t first, std::int64_t count) {
      Shape part = tensor->shape();
      const std::size_t row_bytes = tensor->byte_size() / static_cast<std::size_t>(part[0]);
      part[0] = count;
      return Array::view(value, tensor->bytes() + static_cast<std::size_t>(first) * row_bytes, DType::Float32, part);
    };
  } else {
    const auto h5 = std::make_shared<const io::Hdf5File>(io::Hdf5File::open(file));
    check(h5->dataset_dtype("features"), h5->dataset_shape("features"));
    rows.read = [h5](std::int64_t first, std::int64_t count) { return h5->read_rows("features", first, count); };
  }
  return rows;
}

std::optional<cohort::Fingerprint> recorded_fingerprint(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  std::optional<std::string> json;
  if (file.extension() == ".pt") {
    json = io::read_torch_record(file, "hipt.json");
  } else if (file.extension() == ".h5") {
    json = io::find_attribute<std::string>(io::Hdf5File::open(file).read_attributes("/"), "hipt_fingerprint");
  } else {
    image::TextChunks text;
    image::read_png(file, &text);
    for (const auto& [key, value] : text) {
      if (key == "hipt_fingerprint") json = value;
    }
  }
  return json ? cohort::Fingerprint::parse(*json) : std::nullopt;
}

bool all_present(const std::vector<std::filesystem::path>& files, const cohort::Fingerprint& now) {
  bool all = true;
  for (const std::filesystem::path& file : files) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
      all = false;
      continue;
    }
    cohort::require_equal(file, recorded_fingerprint(file), now);
  }
  return all;
}

}  // namespace hipt::encode
